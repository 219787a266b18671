"""What a client's Accept says (RFC 9110 §12.5.1): media ranges and their weights, or nothing.

A field that is missing, empty, too long or not well formed says nothing; half of it is never believed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

from proxy.core.fields.lists import OWS, is_token, quote, split_unquoted, unquote

MAX_CHARS = 2_048
"""Longer fields say nothing.  Browsers send 20 to 300 characters, old Internet Explorers with Office up to 600."""
MAX_RANGES = 64
"""Fields with more members say nothing; it also bounds what the memory of read fields may hold."""


@dataclass(frozen=True, slots=True)
class MediaRange:
    """One member; type and subtype are lower case, ``*`` is a wildcard."""

    type: str
    subtype: str
    quality: float = 1.0
    """The weight ``q``, 0 to 1; 0 means "not acceptable"."""
    parameters: tuple[tuple[str, str], ...] = ()
    """Media type parameters, names in lower case; what follows ``q`` is no part of the range and dropped."""

    @property
    def media_type(self) -> str:
        return f"{self.type}/{self.subtype}"

    @property
    def is_concrete_image(self) -> bool:
        return self.type == "image" and self.subtype != "*"

    def format(self) -> str:
        parameters = "".join(f";{name}={quote(value)}" for name, value in self.parameters)
        weight = "" if self.quality == 1 else f";q={self.quality:.3f}".rstrip("0").rstrip(".")
        return self.media_type + parameters + weight


@dataclass(frozen=True)  # no slots: the two questions below are asked of the same few values again and again
class Accept:
    """The members in the order of the field; none if the client said nothing."""

    ranges: tuple[MediaRange, ...] = ()

    @cached_property
    def named_images(self) -> frozenset[str]:
        """Concrete image types that the client names with q > 0; wildcards name nothing."""
        return frozenset(r.media_type for r in self.ranges if r.quality > 0 and r.is_concrete_image)

    @cached_property
    def excluded_images(self) -> frozenset[str]:
        """Concrete image types that the client refuses with q = 0 and does not also name with more."""
        # A range with parameters refuses only that variant of the type (RFC 9110 §12.5.1, precedence).
        refused = {r.media_type for r in self.ranges if r.quality == 0 and r.is_concrete_image and not r.parameters}
        return frozenset(refused - self.named_images)

    @cached_property
    def takes_any_image(self) -> bool:
        """Whether a wildcard with q > 0 stands for images that are not named."""
        return any(r.quality > 0 and r.media_type in ("image/*", "*/*") for r in self.ranges)

    def format(self) -> str:
        """The field value; parsing it gives an equal value."""
        return ",".join(r.format() for r in self.ranges)


SAYS_NOTHING = Accept()


def parse_accept(text: str | None) -> Accept:
    """Read the field (several lines joined by commas); ``SAYS_NOTHING`` for what cannot be read."""
    if text is None or len(text) > MAX_CHARS:
        return SAYS_NOTHING
    return _parse(text)


@lru_cache(maxsize=512)
def _parse(text: str) -> Accept:
    try:
        members = [part for member in split_unquoted(text, ",") if (part := member.strip(OWS))]
        if len(members) > MAX_RANGES:
            return SAYS_NOTHING
        return Accept(tuple(map(_media_range, members)))
    except ValueError:
        return SAYS_NOTHING


def _media_range(text: str) -> MediaRange:
    head, *rest = split_unquoted(text, ";")
    name = head.rstrip(OWS).lower()
    # Java's HttpURLConnection sends "*; q=.2" to this day.
    type_, slash, subtype = ("*", "/", "*") if name == "*" else name.partition("/")
    if not slash or not is_token(type_) or not is_token(subtype) or (type_ == "*" and subtype != "*"):
        raise ValueError("not a media range")
    parameters: list[tuple[str, str]] = []
    for part in rest:
        parameter = part.strip(OWS)
        if not parameter:  # RFC 9110 §5.6.6 allows empty ones
            continue
        key, equals, value = parameter.partition("=")
        key = key.lower()
        if not equals or not is_token(key):
            raise ValueError("not a parameter")
        if key == "q":
            return MediaRange(type_, subtype, _quality(value), tuple(parameters))
        parameters.append((key, unquote(value)))
    return MediaRange(type_, subtype, 1.0, tuple(parameters))


def _quality(text: str) -> float:
    """A weight (§12.4.2), also without its leading zero and with more than three decimals, as some clients write it."""
    whole, _, decimals = text.partition(".")
    digits = whole + decimals
    if whole not in ("", "0", "1") or not (digits.isascii() and digits.isdigit()):
        raise ValueError("not a weight")
    value = float(text)
    if value > 1:
        raise ValueError("not a weight")
    # Rounding to the grammar's thousandths must not turn a small weight into a refusal.
    return max(round(value, 3), 0.001) if value else 0.0
