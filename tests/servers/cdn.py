"""Content delivery networks in front of replicas: what five kinds of them do to requests and answers (RFC 9110 §12.5.5).

They keep what they may for ever, ask the replicas in turn, and read nothing but header fields.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx
from servers.mogr import Mogr

PART_BYTES = 4096


@dataclass(frozen=True)
class Answer:
    """What a browser gets."""

    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def media_type(self) -> str:
        return self.headers["content-type"]


@dataclass
class Cdn:
    """One that ignores Vary: whoever asks for a URL gets what the first one got."""

    replicas: Sequence[Mogr]
    kept: dict[tuple[str, ...], Answer] = field(default_factory=dict)
    fetched: list[Answer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._turns = itertools.cycle(self.replicas)

    def get(self, target: str, accept: str | None) -> Answer:
        key = self.key(target, accept)
        if key is not None and key in self.kept:
            return self.kept[key]
        answer = self.fetch(target, self.forwarded(accept))
        self.fetched.append(answer)
        key = self.key(target, accept, answer)
        if key is not None and _storable(answer):
            self.kept[key] = answer
        return answer

    def key(self, target: str, accept: str | None, answer: Answer | None = None) -> tuple[str, ...] | None:
        """Under what an answer is kept, and looked for while there is none yet; None: it is not."""
        return (target,)

    def forwarded(self, accept: str | None) -> str | None:
        """The Accept that a replica sees."""
        return accept

    def fetch(self, target: str, accept: str | None) -> Answer:
        return self.ask(target, accept)

    def ask(self, target: str, accept: str | None, **headers: str) -> Answer:
        said = headers if accept is None else {**headers, "Accept": accept}
        answer = next(self._turns).get(target, **said)
        return Answer(answer.status_code, answer.headers, answer.content)


class HonoursVary(Cdn):
    """As Fastly does, every spelling of Accept on its own."""

    def key(self, target: str, accept: str | None, answer: Answer | None = None) -> tuple[str, ...] | None:
        known = answer or next((each for key, each in self.kept.items() if key[0] == target), None)
        if known is None:
            return (target,)
        assert known.headers.get("vary") in (None, "Accept"), "what else varies nobody could keep apart"
        return (target, str(accept)) if "vary" in known.headers else (target,)


class Normalises(HonoursVary):
    """As Cloudflare's Vary does with a list of media types: sorted by q, without q, and nothing where none is left."""

    types = ("image/avif", "image/webp")

    def forwarded(self, accept: str | None) -> str | None:
        ranked = []
        for member in (accept or "").split(","):
            name, *parameters = (part.strip().lower() for part in member.split(";"))
            weights = [text.removeprefix("q=") for text in parameters if text.startswith("q=")]
            try:
                weight = float(weights[0]) if weights else 1.0
            except ValueError:
                weight = 1.0
            if name in self.types:
                ranked.append((-weight, f"{name};q=0" if weight == 0 else name))
        return ", ".join(name for _, name in sorted(ranked)) or None

    def key(self, target: str, accept: str | None, answer: Answer | None = None) -> tuple[str, ...] | None:
        return super().key(target, self.forwarded(accept), answer)


class KeysByHeader(Cdn):
    """An edge rule puts every client into one of three classes, which are part of the key; Vary is not read."""

    def key(self, target: str, accept: str | None, answer: Answer | None = None) -> tuple[str, ...] | None:
        return target, self.forwarded(accept) or ""

    def forwarded(self, accept: str | None) -> str | None:
        for name in ("image/avif", "image/webp"):
            if name in (accept or "") and f"{name};q=0" not in (accept or ""):
                return name
        return None


class SplitsRanges(HonoursVary):
    """Fetches every object in parts, each from the next replica, and puts together what belongs together."""

    def fetch(self, target: str, accept: str | None) -> Answer:
        first = self.ask(target, accept, Range=f"bytes=0-{PART_BYTES - 1}")
        if first.status != 206:
            return first
        size_bytes = int(first.headers["content-range"].rpartition("/")[2])
        parts = [first]
        for begin in range(PART_BYTES, size_bytes, PART_BYTES):
            asked = {"Range": f"bytes={begin}-{begin + PART_BYTES - 1}", "If-Range": first.headers["etag"]}
            parts.append(self.ask(target, accept, **asked))
        for part in parts:
            assert part.status == 206
            for name in ("etag", "last-modified", "content-type", "vary"):
                assert part.headers.get(name) == first.headers.get(name), "parts of two pictures"
        return Answer(200, first.headers, b"".join(part.body for part in parts))


def _storable(answer: Answer) -> bool:
    said = answer.headers.get("cache-control")
    assert said is not None, "a CDN would make up a lifetime"
    directives = {each.strip() for each in said.split(",")}
    return not directives & {"no-store", "private", "no-cache", "max-age=0"}
