"""Cutting field values into list members without being fooled by quoted strings (RFC 9110 §5.6)."""

from __future__ import annotations

OWS = " \t"
_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


def is_token(text: str) -> bool:
    """Whether *text* is a token (RFC 9110 §5.6.2)."""
    return bool(text) and _TOKEN.issuperset(text)


def split_unquoted(text: str, separator: str) -> list[str]:
    """The parts of *text* between separators that stand outside quoted strings, untrimmed.

    Raises:
        ValueError: a quoted string does not end.
    """
    if '"' not in text:
        return text.split(separator)
    parts: list[str] = []
    start = 0
    quoted = escaped = False
    for position, char in enumerate(text):
        if escaped:
            escaped = False
        elif quoted:
            escaped = char == "\\"
            quoted = char != '"'
        elif char == '"':
            quoted = True
        elif char == separator:
            parts.append(text[start:position])
            start = position + 1
    if quoted:
        raise ValueError("a quoted string does not end")
    return [*parts, text[start:]]


def unquote(text: str) -> str:
    """The value of a token or a quoted-string (RFC 9110 §5.6.4).

    Raises:
        ValueError: it is neither.
    """
    if not text.startswith('"'):
        if not is_token(text):
            raise ValueError("not a token")
        return text
    value: list[str] = []
    escaped = False
    for position, char in enumerate(text[1:], start=1):
        if escaped or char not in '"\\':
            value.append(char)
            escaped = False
        elif char == "\\":
            escaped = True
        elif position == len(text) - 1:
            return "".join(value)
        else:
            break
    raise ValueError("not a quoted string")


def quote(text: str) -> str:
    """*text* as a token if it is one, else as a quoted-string."""
    if is_token(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
