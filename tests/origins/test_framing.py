"""What a connection does with the raw bytes of a response before the parser sees them."""

from __future__ import annotations

import httpcore
import pytest

from proxy.origins.framing import FramedStream, Unanswered


class Wire(httpcore.AsyncNetworkStream):
    """Gives its pieces one by one, then its end."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""


async def everything(stream: FramedStream) -> bytes:
    received = b""
    while data := await stream.read(1000):
        received += data
    return received


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("head", "parsed"),
    [
        (b"Transfer-Encoding: identity\r\n", b""),
        (b"A: b\r\ntransfer-encoding:\tnonsense \r\nC: d\r\n", b"A: b\r\nC: d\r\n"),
        (b"Transfer-Encoding: chunked\r\n", None),
        (b"Transfer-Encoding: CHUNKED\r\n", None),
        (b"Transfer-Encoding: gzip\r\n", None),
        (b"Transfer-Encoding: x-gzip\r\n", None),
        (b"Transfer-Encoding: identity, chunked\r\n", None),
        (b"Transfer-Encoding: \r\n", None),
        (b"Transfer-Encoding: a\r\nTransfer-Encoding: b\r\n", None),
        (b"Transfer-Encoding: a\r\nContent-Length: 3\r\n", None),
        (b"X-Transfer-Encoding: a\r\n", None),
        (b"X: Transfer-Encoding: a\r\n", None),
    ],
)
@pytest.mark.parametrize("pieces", ["whole", "bytes"])
async def test_a_coding_that_nobody_registered_is_taken_away(head: bytes, parsed: bytes | None, pieces: str) -> None:
    sent = OK + head + b"\r\nTransfer-Encoding: body\r\n\r\n"
    wire = Wire(sent) if pieces == "whole" else Wire(*[sent[n : n + 1] for n in range(len(sent))])
    stream = FramedStream(wire)
    expected = sent if parsed is None else OK + parsed + b"\r\nTransfer-Encoding: body\r\n\r\n"
    assert await everything(stream) == expected
    assert stream.head_seen
    assert stream.ends_with(len(b"Transfer-Encoding: body\r\n\r\n"))


async def test_an_end_within_the_header_section_is_no_missing_answer() -> None:
    stream = FramedStream(Wire(OK + b"A: "))
    assert await everything(stream) == OK + b"A: "
    assert not stream.head_seen


async def test_an_end_before_the_first_byte_is_one() -> None:
    stream = FramedStream(Wire())
    with pytest.raises(Unanswered):
        await stream.read(1000)


async def test_a_header_section_without_end_is_not_collected_for_ever() -> None:
    stream = FramedStream(Wire(*[b"x" * 65_536] * 10))
    assert len(await stream.read(1000)) <= 4 * 65_536
