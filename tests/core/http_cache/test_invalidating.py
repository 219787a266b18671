"""What an unsafe request makes obsolete (RFC 9111 §4.4)."""

from __future__ import annotations

import pytest
from caching import lines

from proxy.core.http_cache.invalidating import changes_state, obsolete


@pytest.mark.parametrize(
    ("method", "status", "changes"),
    [
        ("POST", 200, True), ("PUT", 201, True), ("DELETE", 204, True), ("M-SEARCH", 200, True), ("PATCH", 303, True),
        ("POST", 400, False), ("POST", 500, False), ("GET", 200, False), ("HEAD", 200, False), ("OPTIONS", 204, False),
        ("PROPFIND", 207, False), ("get", 200, True),
    ],
)  # fmt: skip
def test_methods(method: str, status: int, changes: bool) -> None:
    assert changes_state(method, status) is changes


@pytest.mark.parametrize(
    ("location", "also"),
    [
        (None, None),
        ("/x", (b"/x", b"")),
        ("x?y=1", (b"/d/x", b"y=1")),
        ("../x", (b"/x", b"")),
        ("?z", (b"/d/a", b"z")),
        ("", None),
        ("/d/a?q=1#f", None),
        ("http://h.example/x", (b"/x", b"")),
        ("HTTP://H.EXAMPLE:80/x", (b"/x", b"")),
        ("//h.example/x", (b"/x", b"")),
        ("//other.example/x", None),
        ("http://other.example/x", None),
        ("http://h.example:81/x", None),
        ("https://h.example/x", None),
        ("http://h.example:port/x", None),
        ("http://[", None),
    ],
)
@pytest.mark.parametrize("name", ["location", "content_location"])
def test_other_urls_of_the_same_origin(location: str | None, also: tuple[bytes, bytes] | None, name: str) -> None:
    told = lines(**({name: location} if location is not None else {}))
    found = list(obsolete(b"/d/a", b"q=1", told, scheme="http", host="h.example"))
    assert found == [(b"/d/a", b"q=1"), *([also] if also else [])]


def test_a_path_that_begins_with_two_slashes_names_no_authority() -> None:
    found = list(obsolete(b"//evil/a", b"", lines(location="x"), scheme="http", host="h"))
    assert found[0] == (b"//evil/a", b"")
