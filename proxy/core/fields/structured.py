"""Dictionaries of structured fields (RFC 9651 §3.2, §4.2), strictly: one error voids the whole field.

Only bare items of a member matter to us; its parameters and inner lists are parsed, because an error in them counts, and
dropped.
"""

from __future__ import annotations

import re
from typing import Final

MAX_CHARS = 8_192
"""Longer fields are errors."""

BareItem = int | float | str | bool | bytes


class Token(str):
    """An identifier written without quotes; a ``str`` that is none was a String."""

    __slots__ = ()


class Opaque(str):
    """A value whose type we have no use for (an inner list, a date, a display string), as it was written."""

    __slots__ = ()


_KEY: Final = re.compile(r"[a-z*][a-z0-9_\-.*]*")
_TOKEN: Final = re.compile(r"[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*")
_NUMBER: Final = re.compile(r"-?(?:\d{1,12}\.\d{1,3}|\d{1,15})(?![\d.])")
_STRING: Final = re.compile(r'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
_BYTES: Final = re.compile(r":([A-Za-z0-9+/=]*):")
_DATE: Final = re.compile(r"@-?\d{1,15}(?![\d.])")
_DISPLAY: Final = re.compile(r'%"((?:[\x20-\x21\x23-\x24\x26-\x7e]|%[0-9a-f]{2})*)"')
_ESCAPED: Final = re.compile(r'\\(["\\])')
_SPACES: Final = re.compile(r" *")
_OWS: Final = re.compile(r"[ \t]*")


class StructuredFieldError(ValueError):
    """The text is no dictionary."""


def parse_dictionary(text: str) -> dict[str, BareItem]:
    """The members of *text*, several lines joined by commas; the last of several with one name counts.

    Raises:
        StructuredFieldError: the field is to be ignored.
    """
    if len(text) > MAX_CHARS or not text.isascii():
        raise StructuredFieldError("too long, or not ASCII")
    reader = _Reader(text.strip(" "))
    members: dict[str, BareItem] = {}
    while not reader.ended:
        name = reader.take(_KEY)
        value: BareItem = True
        if reader.accepts("="):
            value = reader.inner_list() if reader.at("(") else reader.item()
        reader.parameters()
        members[name] = value
        reader.skip(_OWS)
        if reader.ended:
            break
        reader.expect(",")
        reader.skip(_OWS)
        if reader.ended:
            raise StructuredFieldError("a comma at the end")
    return members


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0

    @property
    def ended(self) -> bool:
        return self._position >= len(self._text)

    def at(self, character: str) -> bool:
        return self._text.startswith(character, self._position)

    def accepts(self, character: str) -> bool:
        found = self.at(character)
        self._position += found
        return found

    def expect(self, character: str) -> None:
        if not self.accepts(character):
            raise StructuredFieldError(f"{character!r} expected")

    def skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self._text, self._position)
        assert match is not None
        self._position = match.end()

    def take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._position)
        if match is None:
            raise StructuredFieldError("unexpected character")
        self._position = match.end()
        return match[0]

    def item(self) -> BareItem:
        """A bare item, told by its first character (§4.2.3.1)."""
        first = self._text[self._position : self._position + 1]
        if first == '"':
            return _ESCAPED.sub(r"\1", self.take(_STRING)[1:-1])
        if first == "?":
            return self.take(re.compile(r"\?[01]")) == "?1"
        if first == ":":
            return self.take(_BYTES).strip(":").encode()
        if first == "@":
            return Opaque(self.take(_DATE))
        if first == "%":
            return Opaque(self.take(_DISPLAY))
        if first == "-" or first.isdigit():
            number = self.take(_NUMBER)
            return float(number) if "." in number else int(number)
        return Token(self.take(_TOKEN))

    def inner_list(self) -> Opaque:
        start = self._position
        self.expect("(")
        while True:
            self.skip(_SPACES)
            if self.accepts(")"):
                return Opaque(self._text[start : self._position])
            self.item()
            self.parameters()
            if not (self.at(" ") or self.at(")")):
                raise StructuredFieldError("members of an inner list that touch")

    def parameters(self) -> None:
        while self.accepts(";"):
            self.skip(_SPACES)
            self.take(_KEY)
            if self.accepts("="):
                self.item()
