"""What a connection does with the raw bytes of a response before the parser sees them."""

from __future__ import annotations

import httpcore
import pytest

from proxy.origins.framing import FramedStream, Unanswered
from proxy.origins.informational import MAX_ANSWERS, MAX_BYTES, listening


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


HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nX-A: \xe9\r\nlink: b\r\n\r\n"
WORKING = b"HTTP/1.0 102\n\n"
FINAL = OK + b"Content-Length: 2\r\n\r\nok"
TOLD = [(103, [(b"Link", b"</a.css>"), (b"X-A", b"\xe9"), (b"link", b"b")]), (102, [])]


class Told(list[tuple[int, list[tuple[bytes, bytes]]]]):
    def __call__(self, status: int, lines: object) -> None:
        self.append((status, list(lines)))  # type: ignore[call-overload]


@pytest.mark.parametrize("pieces", ["whole", "bytes"])
async def test_interim_answers_are_told_of_and_taken_away(pieces: str) -> None:
    sent = HINTS + WORKING + FINAL
    stream = FramedStream(Wire(sent) if pieces == "whole" else Wire(*[sent[n : n + 1] for n in range(len(sent))]))
    told = Told()
    with listening(told):
        assert await everything(stream) == FINAL
    assert told == TOLD
    assert stream.head_seen
    assert stream.ends_with(2)


async def test_what_ends_a_body_is_no_interim_answer() -> None:
    """Nor is what an origin sends behind an answer, for that would be before the next one."""
    told = Told()
    with listening(told):
        assert await everything(FramedStream(Wire(FINAL + HINTS))) == FINAL + HINTS
        assert await everything(FramedStream(Wire(FINAL, HINTS))) == FINAL + HINTS
    assert told == []


async def test_a_final_answer_after_an_interim_one_is_read_as_any_other() -> None:
    stream = FramedStream(Wire(HINTS + OK + b"Transfer-Encoding: identity\r\n\r\n"))
    assert await everything(stream) == OK + b"\r\n"


async def test_another_protocol_is_left_for_the_parser() -> None:
    switching = b"HTTP/1.1 101 X\r\nUpgrade: x\r\n\r\n"
    assert await everything(FramedStream(Wire(HINTS + switching))) == switching


async def test_an_end_after_an_interim_answer_is_an_answer_cut_off() -> None:
    stream = FramedStream(Wire(HINTS))
    assert await everything(stream) == b""
    assert not stream.head_seen


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/1.1 103 X\r\nno field\r\n\r\n",
        b"HTTP/1.1 103 X\r\na: \0\r\n\r\n",
        b"HTTP/1.1 103 X\r\na b: c\r\n\r\n",
        b"HTTP/1.1 102 X\r\n\r\n" * (MAX_ANSWERS + 1),
        (b"HTTP/1.1 103 X\r\na: " + b"b" * (MAX_BYTES // 2) + b"\r\n\r\n") * 2,
    ],
    ids=["no field", "NUL", "a space", "many", "long"],
)
async def test_what_cannot_be_read_or_never_ends_is_no_answer(sent: bytes) -> None:
    with pytest.raises(httpcore.RemoteProtocolError):
        await everything(FramedStream(Wire(sent + FINAL)))


async def test_every_answer_may_have_some() -> None:
    class Repeating(Wire):
        async def write(self, buffer: bytes, timeout: float | None = None) -> None:
            self.pieces.append(b"HTTP/1.1 102 X\r\n\r\n" * MAX_ANSWERS + FINAL)

    stream = FramedStream(Repeating())
    for _ in range(2):
        await stream.write(b"GET")
        assert await everything(stream) == FINAL
