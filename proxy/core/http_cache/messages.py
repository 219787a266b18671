"""The two values all rules speak of: a request as a cache sees it, and an answer as it is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from proxy.core.fields.cache_control import RequestDirectives
from proxy.core.http_cache.policy import HEURISTIC_MAX_S, Policy, read_policy

Lines = Sequence[tuple[bytes, bytes]]
Selection = tuple[tuple[str, str | None], ...]
"""Field names of Vary, each with its normalised value in the request; None: the request had no such field."""


def combined(lines: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Field values by lower-case name, those of several lines joined by ``", "`` (RFC 9110 §5.3)."""
    fields: dict[str, str] = {}
    for raw_name, raw_value in lines:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    return fields


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheRequest:
    """A request, as the origin would see it."""

    method: str
    fields: Mapping[str, str]
    directives: RequestDirectives
    site: str = ""
    """What the origin is told of the URL's host and scheme: answers may depend on it, whether or not they say so."""
    guess_max_s: float = HEURISTIC_MAX_S
    """The longest lifetime that may be guessed for its answer."""

    @classmethod
    def of(cls, method: str, lines: Lines, *, site: str = "", guess_max_s: float = HEURISTIC_MAX_S) -> CacheRequest:
        fields = combined(lines)
        return cls(
            method=method,
            fields=fields,
            directives=RequestDirectives.parse(fields.get("cache-control")),
            site=site,
            guess_max_s=guess_max_s,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One answer, as it is kept; its body lies apart, under ``body_id``."""

    status: int
    lines: tuple[tuple[bytes, bytes], ...]
    """What is sent again, Date among it; Content-Length is not."""
    site: str
    selection: Selection
    requested_at_s: float
    received_at_s: float
    body_id: str
    size_bytes: int
    guess_max_s: float
    policy: Policy = field(compare=False)

    @classmethod
    def of(
        cls,
        status: int,
        lines: Lines,
        *,
        site: str,
        selection: Selection,
        requested_at_s: float,
        received_at_s: float,
        body_id: str,
        size_bytes: int,
        guess_max_s: float = HEURISTIC_MAX_S,
    ) -> Entry:
        return cls(
            status=status,
            lines=tuple(lines),
            site=site,
            selection=selection,
            requested_at_s=requested_at_s,
            received_at_s=received_at_s,
            body_id=body_id,
            size_bytes=size_bytes,
            guess_max_s=guess_max_s,
            policy=read_policy(
                status,
                combined(lines),
                requested_at_s=requested_at_s,
                received_at_s=received_at_s,
                guess_max_s=guess_max_s,
            ),
        )

    @property
    def header_bytes(self) -> int:
        return sum(len(name) + len(value) + 4 for name, value in self.lines)

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON; ``from_json`` inverts."""
        return {
            "status": self.status,
            "lines": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in self.lines],
            "site": self.site,
            "selection": [list(pair) for pair in self.selection],
            "requested_at_s": self.requested_at_s,
            "received_at_s": self.received_at_s,
            "body_id": self.body_id,
            "size_bytes": self.size_bytes,
            "guess_max_s": self.guess_max_s,
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Entry:
        """Raises KeyError, TypeError, ValueError or AttributeError for what is no such record."""
        return cls.of(
            int(record["status"]),
            [(name.encode("latin-1"), value.encode("latin-1")) for name, value in record["lines"]],
            site=str(record["site"]),
            selection=tuple((str(name), None if value is None else str(value)) for name, value in record["selection"]),
            requested_at_s=float(record["requested_at_s"]),
            received_at_s=float(record["received_at_s"]),
            body_id=str(record["body_id"]),
            size_bytes=int(record["size_bytes"]),
            guess_max_s=float(record["guess_max_s"]),
        )
