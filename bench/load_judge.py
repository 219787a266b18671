"""What ``bench/load.py`` holds against an answer."""

from __future__ import annotations

import random
import re
import zlib
from dataclasses import dataclass

from load_mix import FILM, Ask, is_accepted

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_HEAD_BYTES = 4096
"""More than any of ours takes."""
_STATUS_OF_CACHE = re.compile(rb"\r\ncache-status: ([^\r]*)", re.IGNORECASE)
_ETAG = re.compile(rb"\r\netag: ([^\r]*)", re.IGNORECASE)
_TYPE = re.compile(rb"\r\ncontent-type: ([^\r]*)", re.IGNORECASE)
_RANGE = re.compile(rb"\r\ncontent-range: bytes (\d+)-(\d+)/(\d+)", re.IGNORECASE)
_TIER = re.compile(rb"detail=(\w+)")
_MOST_REMEMBERED = 50_000


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    head: bytes
    was: str
    """memory, disk or persisted of a hit; otherwise what happened: miss, stale, bypass, error."""
    is_hit: bool

    @property
    def closes(self) -> bool:
        return b"\r\nconnection: close" in self.head.lower()

    @staticmethod
    def length(data: bytes | bytearray) -> int:
        """Of the whole answer, head included; -1: not known yet."""
        end = data.find(b"\r\n\r\n", 0, _HEAD_BYTES)
        if end < 0:
            return -1
        found = _LENGTH.search(data, 0, end + 2)
        return end + 4 + (int(found[1]) if found else 0)

    @classmethod
    def of(cls, head: bytes) -> Answer:
        status = int(head[9:12])
        said = found[1] if (found := _STATUS_OF_CACHE.search(head)) else b""
        if b"; hit" in said:
            return cls(status, head, tier[1].decode() if (tier := _TIER.search(said)) else "hit", True)
        return cls(status, head, said.partition(b"fwd=")[2].partition(b";")[0].decode() or "error", False)


@dataclass(frozen=True, slots=True)
class _Known:
    etag: bytes
    media_type: bytes
    body: bytes


class Judge:
    """Knows what came before."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], _Known] = {}
        self._seen: dict[tuple[str, bytes], int] = {}
        """Checksums of what is not asked for often, by target and ETag."""

    def condition(self, ask: Ask, accept: int, rng: random.Random) -> bytes:
        """The field that makes *ask* a condition or a range; empty: what it would be about is not known."""
        known = self._known.get((ask.target, accept))
        if known is None:
            return b""
        if ask.way == "condition":
            return b"If-None-Match: " + known.etag + b"\r\n"
        first = rng.randrange(len(known.body) - 1)
        return b"Range: bytes=%d-%d\r\n" % (first, rng.randrange(first, len(known.body)))

    def judge(self, ask: Ask, accept: int, whole: bytes | bytearray, size_bytes: int) -> tuple[Answer, str]:
        """The answer, and what is wrong with it; empty: nothing.

        Bodies are compared where they are, as a whole: byte by byte, as views of memory do it, 1.5 MB take the generator 5 ms.
        """
        end = whole.find(b"\r\n\r\n", 0, _HEAD_BYTES)
        head, begin = bytes(whole[: end + 2]), end + 4
        answer = Answer.of(head)
        if answer.status == 503 and b"\r\nretry-after: " not in head.lower():
            return answer, "503 without Retry-After"
        if answer.status != ask.status:
            return answer, f"{answer.status}, expected {ask.status}"
        if len(whole) != size_bytes:
            return answer, f"{len(whole)} bytes for {size_bytes}"
        if ask.kind == "error":
            right = b"\r\ncontent-type: application/xml" in head.lower() and whole[-9:].rstrip().endswith(b"</Error>")
            return answer, "" if right else "an error that is no XML"
        etag = found[1] if (found := _ETAG.search(head)) else b""
        if not etag:
            return answer, "no ETag"
        key = (ask.target, accept)
        known = self._known.get(key)
        if answer.status == 304:
            right = known is not None and known.etag == etag and _has_body(whole, begin, b"")
            return answer, "" if right else "304 with another ETag, or a body"
        if answer.status == 206:
            return answer, self._wrong_part(head, whole[begin:], known, etag)
        media_type = found[1] if (found := _TYPE.search(head)) else b""
        if ask.target != FILM and not is_accepted(accept, media_type.decode()):
            return answer, f"{media_type.decode()}, which that browser does not accept"
        if ask.kind in ("hit", "slow"):
            if known is None:
                self._known[key] = known = _Known(etag, media_type, bytes(whole[begin:]))
                return answer, "" if ask.target == FILM else _wrong_picture(media_type, known.body)
            same = known.etag == etag and known.media_type == media_type and _has_body(whole, begin, known.body)
            return answer, "" if same else "another body, type or ETag than before"
        body = bytes(whole[begin:])
        check = self._seen.get((ask.target, etag))
        if check is None:
            if ask.kind == "again":
                return answer, "another ETag than before"
            if len(self._seen) > _MOST_REMEMBERED:
                self._seen.pop(next(iter(self._seen)))
            self._seen[ask.target, etag] = zlib.crc32(body)
            return answer, _wrong_picture(media_type, body)
        return answer, "" if check == zlib.crc32(body) else "another body with the same ETag"

    @staticmethod
    def _wrong_part(head: bytes, body: bytes | bytearray, known: _Known | None, etag: bytes) -> str:
        found = _RANGE.search(head)
        if found is None or known is None or known.etag != etag:
            return "a part of something else"
        first, last, size_bytes = map(int, found.groups())
        right = size_bytes == len(known.body) and known.body[first : last + 1] == body
        return "" if right else "a part with other bytes"


def _has_body(whole: bytes | bytearray, begin: int, body: bytes) -> bool:
    return len(whole) == begin + len(body) and whole.endswith(body)


def _wrong_picture(media_type: bytes, body: bytes) -> str:
    """What shows from outside that *body* is no whole picture of that type."""
    begin, end = body[:16], body[-12:]
    match media_type:
        case b"image/jpeg":
            whole = begin.startswith(b"\xff\xd8\xff") and end.endswith(b"\xff\xd9")
        case b"image/webp":
            whole = (
                begin[:4] == b"RIFF"
                and begin[8:12] == b"WEBP"
                and int.from_bytes(begin[4:8], "little") + 8 == len(body)
            )
        case b"image/png":
            whole = begin.startswith(b"\x89PNG") and end[4:8] == b"IEND"
        case b"image/avif":
            whole = begin[4:12] == b"ftypavif"
        case _:
            return f"of type {media_type.decode()}"
    return "" if whole else f"no whole {media_type.decode()}"
