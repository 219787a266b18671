"""The first line of a request, in the parser's words; and that it is found wherever packets begin and end."""

from __future__ import annotations

from itertools import pairwise

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.connections.request_lines import RequestLines, readable


@pytest.mark.parametrize(
    ("line", "read", "method"),
    [
        (b"GET /a.jpg HTTP/1.1\r\n", b"GET /a.jpg HTTP/1.1\r\n", None),
        ("GET /写真.jpg?imageMogr2/strip HTTP/1.1\r\n".encode(), b"GET /%E5%86%99%E7%9C%9F.jpg?imageMogr2/strip HTTP/1.1\r\n", None),
        (b"GET /\xff\x80 HTTP/1.0\r\n", b"GET /%FF%80 HTTP/1.0\r\n", None),  # whether it is UTF-8 is for the edge to say
        ("HEAD /a?ä=%41 HTTP/1.1\r\n".encode(), b"HEAD /a?%C3%A4=%41 HTTP/1.1\r\n", None),
        (b"FOO / HTTP/1.1\r\n", b"POST / HTTP/1.1\r\n", "FOO"),
        (b"get / HTTP/1.1\r\n", b"POST / HTTP/1.1\r\n", "get"),  # methods are case-sensitive (RFC 9110 section 9.1)
        ("M-SEARCH /ä HTTP/1.1\r\n".encode(), b"POST /%C3%A4 HTTP/1.1\r\n", "M-SEARCH"),
    ],
)  # fmt: skip
def test_what_the_parser_would_refuse_is_put_in_its_words(line: bytes, read: bytes, method: str | None) -> None:
    assert readable(line) == (read, method)


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense\r\n",
        b"FOO /\r\n",
        b"FOO / HTTP/2.0\r\n",
        b"FOO / ICE/1.0\r\n",
        b"FOO  / HTTP/1.1\r\n",
        b"FOO\t/ HTTP/1.1\r\n",
        b"FOO / HTTP/1.1 \r\n",
        b"FOO / HTTP/1.1\n",
        b"F\xc3\xb6\xc3\xb6 / HTTP/1.1\r\n",
        b"GET /\xc3\xa4 b HTTP/1.1\r\n",
        b"GET /\xc3\xa4\x00 HTTP/1.1\r\n",
        b"GET /\xc3\xa4\r HTTP/1.1\r\n",
        b"GET /\xc3\xa4\x7f HTTP/1.1\r\n",
        b"GET /\xc3\xa4 HTTP/1.1\n",
        b"GET /\xc3\xa4 HTTP/1.1\xa0\r\n",
        b"\x16\x03\x01\x02\x00\n",
    ],
)
def test_what_is_no_request_line_is_left_for_the_parser_to_refuse(line: bytes) -> None:
    assert readable(line) == (line, None)
    with pytest.raises(httptools.HttpParserError):
        httptools.HttpRequestParser(_Read()).feed_data(line + b"Host: a\r\n\r\n")


class _Read:
    """What a connection makes of its bytes: the parser, RequestLines before it, and every message as it was read."""

    def __init__(self) -> None:
        self.lines = RequestLines()
        self.parser = httptools.HttpRequestParser(self)
        self.messages: list[tuple[str, bytes, bytes]] = []

    def receive(self, data: bytes) -> None:
        at = 0
        while at < len(data):
            part, at = self.lines.cut(data, at)
            if part:
                self.parser.feed_data(part)

    def on_message_begin(self) -> None:
        self.lines.begun()
        self.url, self.body, self.length = b"", b"", 0

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if name == b"Content-Length":
            self.length = int(value)

    def on_headers_complete(self) -> None:
        self.lines.body_of(self.length)
        self.method = self.lines.method or self.parser.get_method().decode()

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.lines.ended()
        self.messages.append((self.method, self.url, self.body))


_LOOKS_LIKE_ONE = b"0\r\n\r\nFOO /\xff HTTP/1.1\r\nHost: a\r\n\r\n"
_MESSAGES = [
    (b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n", ("GET", b"/a", b"")),
    (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", ("GET", b"/", b"")),
    ("\r\n\r\nGET /写 HTTP/1.1\r\nHost: a\r\n\r\n".encode(), ("GET", b"/%E5%86%99", b"")),
    (b"FOO /b HTTP/1.1\r\nHost: a\r\n\r\n", ("FOO", b"/b", b"")),
    (
        b"BAR /\xe4 HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s" % (len(_LOOKS_LIKE_ONE), _LOOKS_LIKE_ONE),
        ("BAR", b"/%E4", _LOOKS_LIKE_ONE),
    ),
    (
        b"POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n4\r\n\r\n\r\n\r\n0\r\nA: \xff\r\n\r\n"
        % (len(_LOOKS_LIKE_ONE), _LOOKS_LIKE_ONE),
        ("POST", b"/c", _LOOKS_LIKE_ONE + b"\r\n\r\n"),
    ),
]


@given(st.lists(st.sampled_from(_MESSAGES), max_size=6), st.sets(st.integers(0, 900)))
def test_messages_are_read_alike_however_they_are_cut_into_packets(
    messages: list[tuple[bytes, tuple[str, bytes, bytes]]], cuts: set[int]
) -> None:
    stream = b"".join(sent for sent, _ in messages)
    read = _Read()
    edges = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    for begin, end in pairwise(edges):
        read.receive(stream[begin:end])
    assert read.messages == [expected for _, expected in messages]


def test_byte_by_byte() -> None:
    read = _Read()
    for sent, _ in _MESSAGES:
        for byte in sent:
            read.receive(bytes([byte]))
    assert read.messages == [expected for _, expected in _MESSAGES]


@pytest.mark.parametrize("begin", [b"\x16\x03\x01\x02\x00", b"\x00", b" GET", b"\xc3\xa4"])
def test_what_cannot_become_a_request_line_is_not_waited_for(begin: bytes) -> None:
    """TLS on a plain port, say: its client would hang where it could be told."""
    assert RequestLines().cut(begin, 0) == (begin, len(begin))


def test_only_the_target_of_a_request_line_is_changed() -> None:
    """Field values and bodies keep their bytes, whatever they hold."""
    fed: list[bytes] = []
    lines = RequestLines()
    data = b"GET /\xe4 HTTP/1.1\r\nX: FOO /\xe4 HTTP/1.1\r\nContent-Length: 3\r\n\r\n\xe4\r\n"
    at = 0
    while at < len(data):
        part, at = lines.cut(data, at)
        fed.append(part)
        lines.begun()
    assert b"".join(fed) == data.replace(b"/\xe4", b"/%E4", 1)
