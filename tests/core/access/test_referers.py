"""Which pages may show pictures."""

from __future__ import annotations

import pytest

from proxy.core.access.referers import Pattern, Referers


def referers(allow: str = "", deny: str = "", *, empty: bool = False) -> Referers:
    parsed = [tuple(map(Pattern.parse, text.split())) for text in (allow, deny)]
    return Referers(allow=parsed[0], deny=parsed[1], empty=empty)


@pytest.mark.parametrize(("pattern", "referer", "covered"), [
    ("example.com", "https://example.com/", True), ("example.com", "http://example.com", True),
    ("example.com", "HTTPS://EXAMPLE.com:8443/a?b", True), ("example.com", "https://example.com./", True),
    ("example.com", "https://www.example.com/", False), ("example.com", "https://example.com.evil.example/", False),
    ("example.com", "https://evil.example/example.com", False), ("example.com", "https://evil.example?example.com", False),
    ("example.com", "https://example.com@evil.example/", False), ("example.com", "https://evil.example\\@example.com/", False),
    ("example.com", "https://evil.example#@example.com/", False), ("example.com", "example.com", False),
    ("example.com", "https:///example.com/", False), ("example.com", "https://examplexcom/", False), ("example.com", "//example.com/", False),
    ("*.example.com", "https://a.b.example.com/x", True), ("*.example.com", "https://example.com/", False),
    ("*.example.com", "https://evilexample.com/", False), ("*.example.com", "https://a.example.com.evil.example/", False),
    ("example.com:8080", "http://example.com:8080/", True), ("example.com:8080", "http://example.com/", False),
    ("example.com:8080", "http://example.com:80801/", False), ("example.com/shop/", "https://example.com/shop/a", True),
    ("example.com/shop/", "https://example.com/", False), ("example.com/shop/", "https://example.com/Shop/", False),
    ("10.0.0.1", "http://10.0.0.1/", True), ("[::1]", "http://[::1]:80/", True), ("*", "https://anything.example/", True),
    ("*", "no page at all", False), ("xn--fsq.example", "https://xn--fsq.example/", True),
])  # fmt: skip
def test_a_pattern_covers_whole_labels(pattern: str, referer: str, covered: bool) -> None:
    assert referers(allow=pattern).admit(referer) is covered
    assert referers(deny=pattern).admit(referer) is not covered


@pytest.mark.parametrize("text", ["", "http://example.com", "*example.com", "a.*.com", "*.", "example.com:x", "exa mple.com", "例.example", "EXAMPLE.com", "a..b", "user@example.com"])  # fmt: skip
def test_what_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Pattern.parse(text)


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_without_a_referer_the_switch_decides(nothing: str | None) -> None:
    assert not referers(allow="example.com").admit(nothing)
    assert referers(allow="example.com", empty=True).admit(nothing)
    assert not referers(deny="example.com").admit(nothing)
    assert referers().admit(nothing), "no list, no question"
    assert referers().admit("https://anybody.example/")


def test_to_be_denied_is_stronger_than_to_be_allowed() -> None:
    both = referers(allow="*.example.com", deny="bad.example.com")
    assert both.admit("https://good.example.com/")
    assert not both.admit("https://bad.example.com/")


def test_a_referer_of_any_length_is_answered_at_once() -> None:
    assert not referers(allow="example.com").admit("https://" + "a." * 50_000 + "example.com/")
    assert not referers(allow="*.example.com").admit("https://a.example.com/" + "x" * 100_000)
