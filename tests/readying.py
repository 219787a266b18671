"""Answers made ready by hand, and where they are kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from proxy.connections.answer import Head, Ready, Slot
from proxy.connections.ready import ReadyAnswers, Target

NOW = 1_800_000_000.0


class Kept:
    """A place of the memory tier, and what is there."""

    def __init__(self, body: bytes = b"body") -> None:
        self.body = body
        self.value: Any = self
        self.touches = 0

    def touch(self) -> None:
        self.touches += 1


@dataclass
class World:
    """A store, its clock, its ledger, and what it was asked to count."""

    max_bytes: int = 1 << 20
    now_s: float = NOW
    generation: int = 0
    counted: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.answers = ReadyAnswers(
            now_s=lambda: self.now_s, ledger=self, max_bytes=self.max_bytes,
            count=lambda kind, status, seconds, sent_bytes: self.counted.append((status, sent_bytes)),
        )  # fmt: skip

    def ask(
        self, target: bytes = b"/a", *, host: bytes = b"h", head_only: bool = False, **fields: bytes
    ) -> bytes | None:
        sent: list[bytes] = []
        named = {name.replace("_", "-").encode(): value for name, value in fields.items()}
        done = self.answers.send(
            lambda parts: sent.extend(parts),
            target,
            {b"host": host, **named},
            head_only=head_only,
            closing=False,
            peer="",
        )
        return b"".join(sent) if done else None

    def keep(self, answer: Ready, target: bytes = b"/a", **fields: bytes) -> None:
        named = {name.replace("_", "-").encode(): value for name, value in fields.items()}
        self.answers.keep(Target(target, {b"host": b"h", **named}), answer)


def head_of(status: bytes, rest: bytes = b"") -> Head:
    return Head((status + b"\r\nage: ", Slot.AGE, b"\r\nDate: ", Slot.DATE, b"\r\nid: "), rest + b"\r\n\r\n")


def ready(content: Any = None, **changed: Any) -> Ready:
    head = head_of(b"HTTP/1.1 200 OK", b"\r\nlength: 4")
    told: dict[str, Any] = {
        "whole": head, "unchanged": head_of(b"HTTP/1.1 304 Not Modified"),
        "content": content or Kept(), "facts": Kept(), "etag": b'"e"', "last_modified": b"then", "vary": (),
        "fetched_at_s": NOW - 10, "initial_age_s": 0.0, "fresh_until_s": NOW + 3600, "generation": 0, "cache": (b"hit",),
    }  # fmt: skip
    return Ready(**{**told, **changed})
