"""CORS: what a rule allows and no more; nobody's origin is repeated that no rule names."""

from __future__ import annotations

import pytest

from proxy.core.access.cors import Cors, Rule, is_origin
from proxy.core.access.refusals import AccessForbidden

SHOP = Rule(origins=("https://shop.example", "https://*.shop.example:8443"), methods=("GET", "PUT"), headers=("x-a", "range"), expose=("ETag", "X-B"), max_age_s=5)  # fmt: skip
PAID = Rule(origins=("https://paid.example",), credentials=True)
ALL = Rule(origins=("*",))


@pytest.mark.parametrize(
    "origin", ["https://shop.example", "https://a.shop.example:8443", "https://a.b-c.shop.example:8443"]
)
def test_an_origin_that_a_rule_names_is_repeated(origin: str) -> None:
    assert Cors((SHOP,)).fields(origin, "GET") == [
        ("access-control-allow-origin", origin), ("access-control-expose-headers", "ETag, X-B"),
    ]  # fmt: skip


@pytest.mark.parametrize("origin", [
    None, "", "null", "*", "http://shop.example", "https://shop.example:8443", "https://shop.example.evil.example", "https://a.shop.example",
    "https://evilshop.example:8443", "https://.shop.example:8443", "https://a..shop.example:8443", "https://evil.example/.shop.example:8443",
    "https://evil.example#.shop.example:8443", "https://evil@a.shop.example:8443", "https://a.shop.example:8443\nx", "https://A.shop.example:8443",
    "https://shop.example, https://shop.example", "https://shop.example/", "https://" + "a" * 1000 + ".shop.example:8443",
])  # fmt: skip
def test_no_other_is(origin: str | None) -> None:
    assert Cors((SHOP, PAID)).fields(origin, "GET") == []
    with pytest.raises(AccessForbidden):
        Cors((SHOP, PAID)).preflight(origin or "", "GET", None)


def test_everybody_is_answered_alike_and_without_credentials() -> None:
    cors = Cors((ALL,))
    wanted = [("access-control-allow-origin", "*")]
    assert (
        cors.fields(None, "GET") == cors.fields("https://evil.example", "GET") == cors.fields("null", "HEAD") == wanted
    )
    assert not cors.varies("GET")
    assert cors.fields(None, "PUT") == []


def test_the_first_rule_that_fits_counts_and_answers_vary_where_origins_differ() -> None:
    cors = Cors((PAID, ALL))
    assert cors.fields("https://paid.example", "GET") == [
        ("access-control-allow-origin", "https://paid.example"), ("access-control-allow-credentials", "true"),
    ]  # fmt: skip
    assert cors.fields("https://x.example", "GET") == cors.fields(None, "GET") == [("access-control-allow-origin", "*")]
    assert cors.varies("GET")
    assert not Cors((ALL, PAID)).varies("GET")
    assert Cors((SHOP,)).varies("GET")
    assert not Cors((SHOP,)).varies("DELETE")


def test_a_preflight_says_what_may_be_sent() -> None:
    assert Cors((SHOP,)).preflight("https://shop.example", "PUT", "X-A,range, ") == [
        ("access-control-allow-origin", "https://shop.example"), ("access-control-allow-methods", "GET, PUT"),
        ("access-control-allow-headers", "x-a, range"), ("access-control-max-age", "5"),
    ]  # fmt: skip
    assert ("access-control-allow-headers", "x-anything") in Cors((ALL,)).preflight("null", "GET", "x-anything")


@pytest.mark.parametrize(("method", "headers"), [
    ("DELETE", None), ("get", None), ("GET", "x-b"), ("GET", "x-a, authorization"), ("GET", "x a"), ("GET", "x-a\r\nset-cookie: a=b"),
    ("GET", ",".join(["x-a"] * 65)),
])  # fmt: skip
def test_a_preflight_for_more_is_refused(method: str, headers: str | None) -> None:
    with pytest.raises(AccessForbidden):
        Cors((SHOP,)).preflight("https://shop.example", method, headers)


@pytest.mark.parametrize(("text", "good"), [
    ("*", True), ("https://example.com", True), ("http://localhost:3000", True), ("capacitor://localhost", True), ("https://*.example.com", True),
    ("http://[::1]:80", True), ("https://*", False), ("null", False), ("example.com", False), ("https://example.com/", False), ("https://*example.com", False),
    ("https://a.*.com", False), ("https://Example.com", False), ("", False),
])  # fmt: skip
def test_what_a_rule_may_name(text: str, good: bool) -> None:
    assert is_origin(text) is good
