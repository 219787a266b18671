"""Entity tags and the four preconditions of a request, in the order of RFC 9110 §13.2.2."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from proxy.core.fields.dates import parse_date
from proxy.core.fields.lists import OWS

MAX_CHARS = 4_096
"""Longer lists match nothing: some hundred tags are more than any client holds."""


class Outcome(enum.Enum):
    """What the preconditions make of an answer that would otherwise be a success."""

    PROCEED = 200
    NOT_MODIFIED = 304
    PRECONDITION_FAILED = 412


@dataclass(frozen=True, slots=True)
class EntityTag:
    """An entity tag (RFC 9110 §8.8.3)."""

    opaque: str
    """Without quotes."""
    weak: bool = False

    @classmethod
    def parse(cls, text: str | None) -> EntityTag | None:
        """The one tag that *text* is; None for none, several or garbage."""
        tags = parse_entity_tags(text or "")
        return tags[0] if len(tags) == 1 else None

    def format(self) -> str:
        return f'W/"{self.opaque}"' if self.weak else f'"{self.opaque}"'

    def is_strongly(self, other: EntityTag) -> bool:
        """Strong comparison (§8.8.3.2): byte for byte the same representation."""
        return self == other and not self.weak

    def is_weakly(self, other: EntityTag) -> bool:
        """Weak comparison: as good as the same."""
        return self.opaque == other.opaque


def parse_entity_tags(text: str) -> tuple[EntityTag, ...]:
    """The tags of a list, in order; members that are none are left out, and all of a list over ``MAX_CHARS``.

    Commas may stand inside a tag and backslashes escape nothing.  A member without quotes is read as if it had them:
    clients of S3 and COS send bare hashes.
    """
    tags: list[EntityTag] = []
    position = 0 if len(text) <= MAX_CHARS else len(text)
    while position < len(text):
        if text[position] in ", \t":
            position += 1
            continue
        weak = text.startswith("W/", position)
        start = position + 2 * weak
        end = text.find('"', start + 1) if text.startswith('"', start) else -1
        comma = text.find(",", max(end, start))
        position = len(text) if comma < 0 else comma
        if end >= 0:
            if not text[end + 1 : position].strip(OWS):
                tags.append(EntityTag(text[start + 1 : end], weak))
        else:
            bare = text[start:position].strip(OWS)
            if bare and '"' not in bare:
                tags.append(EntityTag(bare, weak))
    return tuple(tags)


def evaluate(
    headers: Mapping[str, str], *, etag: str | None, last_modified_s: int | None, method: str = "GET"
) -> Outcome:
    """What the request's preconditions say of the selected representation, which exists and would be answered with 2xx.

    *headers* are the request's, names in lower case; *etag* (as sent, with quotes) and *last_modified_s* are those of
    the representation.  Range and If-Range come after this, see ``byte_range``.
    """
    reading = method in ("GET", "HEAD")
    current = EntityTag.parse(etag)
    if (if_match := headers.get("if-match")) is not None:
        if not _matches(if_match, current, strongly=True):
            return Outcome.PRECONDITION_FAILED
    elif last_modified_s is not None:
        unmodified_since_s = parse_date(headers.get("if-unmodified-since"))
        if unmodified_since_s is not None and last_modified_s > unmodified_since_s:
            return Outcome.PRECONDITION_FAILED
    if (if_none_match := headers.get("if-none-match")) is not None:
        if _matches(if_none_match, current, strongly=False):
            return Outcome.NOT_MODIFIED if reading else Outcome.PRECONDITION_FAILED
    elif reading and last_modified_s is not None:
        modified_since_s = parse_date(headers.get("if-modified-since"))
        if modified_since_s is not None and last_modified_s <= modified_since_s:
            return Outcome.NOT_MODIFIED
    return Outcome.PROCEED


def _matches(field: str, current: EntityTag | None, *, strongly: bool) -> bool:
    if field.strip(OWS) == "*":
        return True
    if current is None:
        return False
    compare = current.is_strongly if strongly else current.is_weakly
    return any(compare(tag) for tag in parse_entity_tags(field))
