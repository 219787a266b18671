"""Parts of answers that are ready; that they are those of the application: tests/web/test_hits.py."""

from __future__ import annotations

import pytest

from proxy.connections.parts import cut

BODY = b"0123456789"
HEAD = b"HTTP/1.1 200 OK\r\nx: Content-Length: 10\r\nContent-Length: 10\r\nlast: 1\r\n\r\n"


@pytest.mark.parametrize(
    ("wanted", "content_range", "part"),
    [
        (b"bytes=0-0", b"0-0/10", b"0"),
        (b"bytes=8-", b"8-9/10", b"89"),
        (b"bytes=8-10", b"8-9/10", b"89"),
        (b"bytes=-3", b"7-9/10", b"789"),
        (b"bytes=-30", b"0-9/10", BODY),
    ],
)
def test_the_head_says_which_part_it_is(wanted: bytes, content_range: bytes, part: bytes) -> None:
    status, head, body = cut(HEAD, BODY, wanted) or (0, b"", b"")
    assert (status, bytes(body)) == (206, part)
    assert head == (
        b"HTTP/1.1 206 Partial Content\r\nx: Content-Length: 10\r\nContent-Range: bytes %b\r\n"
        b"Content-Length: %d\r\nlast: 1\r\n\r\n" % (content_range, len(part))
    )


@pytest.mark.parametrize(
    "wanted", [b"bytes=0-1,3-4", b"lines=0-1", b"bytes=4-3", b"bytes", b"", b"\xe4=0-1", b"bytes=\xb2-"]
)
def test_what_asks_for_no_single_part_gets_the_whole(wanted: bytes) -> None:
    assert cut(HEAD, BODY, wanted) == (200, HEAD, BODY)


@pytest.mark.parametrize("wanted", [b"bytes=10-", b"bytes=-0", b"bytes=99999999999999999999-"])
def test_what_lies_outside_is_for_the_application_to_refuse(wanted: bytes) -> None:
    assert cut(HEAD, BODY, wanted) is None


@pytest.mark.parametrize("head", [HEAD.replace(b": 10\r\nlast", b": 11\r\nlast"), HEAD.replace(b"200 OK", b"203 Else")])
def test_a_head_that_is_not_understood_is_not_changed(head: bytes) -> None:
    assert cut(head, BODY, b"bytes=0-1") is None
