"""Header sections that are read without the parser: only what it reads the same, and nothing that asks for more."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from uvicorn.protocols.http.httptools_impl import httptools

from proxy.connections.plain_heads import AS_WRITTEN, FOR_THE_SERVER, LOGGED, MAX_FIELDS, PICKING, PlainHeads

OURS = {b"host", b"connection", b"if-none-match", b"if-modified-since", b"range"}
OF_PICTURES = {b"accept", b"origin", b"save-data", b"sec-ch-dpr", b"sec-ch-width"}
"""What matters to every answer."""
NAMES = sorted(FOR_THE_SERVER | PICKING | LOGGED | OURS | {b"x", b"Accept", b"HOST", b"cookie", b"accept-encoding"})


class Reader:
    """What the parser makes of a request."""

    def __init__(self, request: bytes) -> None:
        self.lines: list[tuple[bytes, bytes]] = []
        self.complete = self.lasting = False
        self.parser = httptools.HttpRequestParser(self)
        self.parser.feed_data(request)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.lines.append((name.lower(), value))

    def on_message_complete(self) -> None:
        self.complete = True
        self.lasting = self.parser.should_keep_alive()


def read(section: bytes, *, logged: bool = True) -> Any:
    """What is made of *section*, the first time and when all of its lines are known."""
    heads = PlainHeads(logged=logged)
    fields = heads.fields(section)
    assert heads.fields(section) == fields
    return fields if fields is None else dict(fields)


HOST = b"\r\nHost: a"
lines = st.tuples(
    st.sampled_from(NAMES) | st.binary(max_size=3),
    st.sampled_from([b": ", b":", b" : ", b":  ", b"", b":\t"]),
    st.sampled_from([b"close", b"keep-alive", b"Close", b"a, b", b'W/"x"', b"", b"a ", b"1\r", b"1\n", b"\r\n", b"\xe4", b"\0"])
    | st.binary(max_size=4),
).map(b"".join)  # fmt: skip


@given(
    section=st.lists(lines, max_size=5).map(lambda each: b"".join(b"\r\n" + line for line in each)), host=st.booleans()
)
@example(section=b"\r\nX: 1\r\n folded", host=True)
@example(section=b"\r\nProxy-Connection: close", host=True)
@example(section=b"\r\naccept-encoding: br\r\naccept-language: de", host=True)
def test_what_is_read_here_the_parser_reads_the_same(section: bytes, host: bool) -> None:
    section = (HOST if host else b"") + section + b"\r\n\r\n"
    fields = read(section)
    if fields is None:
        return
    parsed = Reader(b"GET / HTTP/1.1" + section)
    assert parsed.complete
    assert parsed.lasting == (fields.get(b"connection") != b"close")
    theirs = {name: value if name in AS_WRITTEN else value.lower() for name, value in parsed.lines}
    assert {name: value.strip() for name, value in fields.items()} == {name: theirs[name].strip() for name in fields}
    assert {name for name, _ in parsed.lines} & (OF_PICTURES | LOGGED | OURS) == set(fields)
    assert sum(name in fields for name, _ in parsed.lines) == len(fields), "none came twice"
    assert FOR_THE_SERVER.isdisjoint(theirs)


@pytest.mark.parametrize(
    ("section", "fields"),
    [
        (b"", {}),
        (b"\r\nACCEPT: image/WebP,*/*;Q=0.8", {b"accept": b"image/webp,*/*;q=0.8"}),
        (b'\r\nIf-None-Match: W/"aB"\r\nCookie: x', {b"if-none-match": b'W/"aB"'}),
        (b"\r\nConnection: Keep-Alive\r\nUser-Agent: Me", {b"connection": b"keep-alive", b"user-agent": b"Me"}),
        (b"\r\nRange: Bytes=0-", {b"range": b"bytes=0-"}),
        (b"\r\nConnection: close", {b"connection": b"close"}),
        (b"\r\nX: y" * (MAX_FIELDS - 1), {}),
        *((section, None) for section in (
            b"\r\nX: y" * MAX_FIELDS, b"\r\nAccept: a\r\naccept: b", b"\r\nhost: b", b"\r\nIf-Range: x", b"\r\nX:y",
            b"\r\nX : y", b"\r\n: y", b"\r\nX: y\r\n z", b"\r\nX: \xe4", b"\r\nX: a\tb", b"\r\nConnection: close, x",
            b"\r\nExpect: 100-continue", b"\r\nContent-Length: 0", b"\r\nTransfer-Encoding: chunked", b"\r\nX: a\nY: b",
            b"\r\nAuthorization: x", b"\r\nUpgrade: h2c", b"\r\nproxy-connection: close", b"\r\nX: a\r\n\r\nY: b",
        )),
    ],
)  # fmt: skip
def test_plain_sections_and_others(section: bytes, fields: dict[bytes, bytes] | None) -> None:
    expected = None if fields is None else {b"host": b"a", **fields}
    assert read(HOST + section + b"\r\n\r\n") == expected


def test_what_only_a_log_shows_is_read_for_a_log_only():
    assert read(HOST + b"\r\nUser-Agent: Me\r\n\r\n", logged=False) == {b"host": b"a"}


@pytest.mark.parametrize("section", [b"\r\n\r\n", b"\r\nAccept: a\r\n\r\n", b"", b"\r\n", HOST, HOST + b"\r\n"])
def test_no_host_or_no_end(section: bytes) -> None:
    assert read(section) is None
