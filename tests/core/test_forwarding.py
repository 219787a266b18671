"""Which header lines a gateway passes on, and what it adds (RFC 9110 §7.6)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.fields.forwarding import end_to_end, has_passed_us, request_lines, site_of, steers_the_origin

NAMES = st.from_regex(rb"[A-Za-z][A-Za-z-]{0,9}", fullmatch=True)
LINES = st.lists(st.tuples(NAMES, st.binary(max_size=8)), max_size=8)


def sent(*lines: tuple[bytes, bytes], **told: object) -> list[tuple[bytes, bytes]]:
    known = {"peer": "192.0.2.1", "peer_is_trusted": False, "scheme": "http", "http_version": "1.1"}
    return request_lines(lines, **(known | told))


OURS = [
    (b"x-forwarded-for", b"192.0.2.1"),
    (b"x-forwarded-host", b"img.example"),
    (b"x-forwarded-proto", b"http"),
    (b"via", b"1.1 mogr"),
]
HOST = (b"host", b"img.example")


def test_order_repetition_and_odd_bytes_stay() -> None:
    lines = [(b"Set-Cookie", b"a=1"), (b"X", b"\xe9\xff"), (b"set-cookie", b"b=2"), (b"etag", b'"x"')]
    assert end_to_end(lines) == [(name.lower(), value) for name, value in lines]


@pytest.mark.parametrize(
    "name",
    ["Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "TE", "Trailer",
     "Transfer-Encoding", "Upgrade", "HTTP2-Settings", "transfer_encoding", "Proxy_Authorization"],
)  # fmt: skip
def test_what_is_for_one_connection_stays_there(name: str) -> None:
    assert end_to_end([(b"a", b"1"), (name.encode(), b"x"), (b"b", b"2")]) == [(b"a", b"1"), (b"b", b"2")]


def test_what_connection_names_stays_too() -> None:
    lines = [
        (b"Connection", b"close, X-One"),
        (b"X-one", b"1"),
        (b"x_one", b"1"),
        (b"connection", b"\tx-TWO "),
        (b"X-Two", b"2"),
    ]
    assert end_to_end([*lines, (b"x-three", b"3")]) == [(b"x-three", b"3")]


@given(LINES)
def test_what_was_forwarded_once_is_forwarded_unchanged(lines: list[tuple[bytes, bytes]]) -> None:
    once = end_to_end(lines)
    assert end_to_end(once) == once


def test_an_origin_is_told_who_asked_what() -> None:
    assert sent(HOST, (b"cookie", b"a=b"), (b"authorization", b"x")) == [
        (b"cookie", b"a=b"), (b"authorization", b"x"), *OURS,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Prefix", "Forwarded",
     "X-Real-IP", "X_Forwarded_For", "x_real_ip", "Proxy", "Expect", "Content-Length", "content_length"],
)  # fmt: skip
def test_what_an_unknown_peer_claims_is_dropped(name: str) -> None:
    assert sent(HOST, (name.encode(), b"203.0.113.9")) == OURS


def test_a_trusted_peer_is_believed_and_added_to_its_chain() -> None:
    lines = [
        HOST,
        (b"x-forwarded-for", b"198.51.100.7"),
        (b"x-forwarded-for", b"198.51.100.8"),
        (b"x-forwarded-proto", b"https"),
        (b"x-forwarded-host", b"www.example"),
        (b"x-forwarded-port", b"443"),
        (b"x_forwarded_for", b"203.0.113.9"),
        (b"forwarded", b"for=198.51.100.7"),
    ]
    assert sent(*lines, peer="10.0.0.1", peer_is_trusted=True) == [
        (b"x-forwarded-port", b"443"),
        (b"forwarded", b"for=198.51.100.7"),
        (b"x-forwarded-for", b"198.51.100.7, 198.51.100.8, 10.0.0.1"),
        (b"x-forwarded-host", b"www.example"),
        (b"x-forwarded-proto", b"https"),
        (b"via", b"1.1 mogr"),
    ]


def test_connection_cannot_take_away_what_we_add() -> None:
    assert sent(HOST, (b"connection", b"via, x-forwarded-for, host")) == OURS


def test_via_grows() -> None:
    found = sent(HOST, (b"via", b"2 cdn"), http_version="1.0")
    assert [value for name, value in found if name == b"via"] == [b"2 cdn", b"1.0 mogr"]


@pytest.mark.parametrize(
    ("via", "ours"),
    [
        (b"1.1 mogr", True),
        (b"2 cdn, HTTP/1.1 MOGR (x)", True),
        (b"1.1 mogr (comment, with comma)", True),
        (b"1.1 mogr.example", False),
        (b"1.1 other (1.1 mogr)", False),
        (b"1.1 a (b, 1.1 mogr)", False),
        (b"mogr", False),
        (b"", False),
    ],
)
def test_our_name_in_via_is_found(via: bytes, ours: bool) -> None:
    assert has_passed_us([(b"a", b"b"), (b"Via", via)]) is ours


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ([], [], True),
        ([(b"host", b"evil.example")], [HOST], False),
        ([(b"host", b"IMG.example")], [HOST], True),
        ([(b"accept", b"x")], [], True),
        ([(b"x-forwarded-for", b"198.51.100.7")], [], True),
        ([(b"x-forwarded-proto", b"https")], [], False),
        ([(b"x-forwarded-prefix", b"/evil")], [], False),
        ([(b"forwarded", b"for=1.2.3.4;host=a;by=x")], [(b"forwarded", b"host=A;for=5.6.7.8")], True),
        ([(b"forwarded", b"host=evil")], [(b"forwarded", b"host=a")], False),
    ],
)
def test_what_a_trusted_proxy_tells_of_the_url_is_part_of_it(one, other, same: bool) -> None:
    """Applications write it into links without a Vary: whoever may choose it must not choose it for others."""
    sites = [site_of(sent(*lines, peer_is_trusted=True)) for lines in (one, other)]
    assert (sites[0] == sites[1]) is same


def test_what_anybody_else_tells_of_it_is_not_even_sent() -> None:
    told = [(b"x-forwarded-host", b"evil"), (b"x-forwarded-prefix", b"/evil"), (b"forwarded", b"host=evil")]
    assert site_of(sent(HOST, *told)) == site_of(sent(HOST, (b"x-forwarded-for", b"x")))


def test_the_address_of_a_client_does_not_make_its_answers_its_own() -> None:
    assert site_of(sent(HOST, peer="192.0.2.1")) == site_of(sent(HOST, peer="2001:db8::1"))


@pytest.mark.parametrize(
    "name", [b"x-original-url", b"X-Rewrite-URL", b"x_original_url", b"x-http-method-override", b"x-host"]
)
def test_fields_that_name_another_url_or_method(name: bytes) -> None:
    assert steers_the_origin([(b"accept", b"x"), (name, b"/admin")])
    assert not steers_the_origin([(b"accept", b"x"), (b"x-requested-with", b"y")])
