"""Numbers, paths and colours in fewer characters, meaning the same.

What does not look as expected is left as it is: what a renderer makes of a mistake is its own business.
"""

from __future__ import annotations

import re
from typing import Final

_DIGITS: Final = 10
"""Significant ones that are kept: browsers compute with seven, librsvg with sixteen."""
_NUMBER: Final = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?((?:[eE][+-]?[0-9]+)?)")
_ANY_NUMBER: Final = re.compile(r"(?<![\w.#-])[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_MEASURE: Final = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(px|pt|pc|mm|cm|in|em|ex|%)?")
_SEPARATORS: Final = re.compile(r"[ \t\r\n\f]*,[ \t\r\n\f]*|[ \t\r\n\f]+")
_STRAY_COMMA: Final = re.compile(r"(?:^|[(,])[ \t\r\n\f]*,|,[ \t\r\n\f]*(?:$|\))")
_BRACKETS: Final = re.compile(r" ?([()]) ?")
_COLOUR: Final = re.compile(r"#([0-9a-fA-F])\1([0-9a-fA-F])\2([0-9a-fA-F])\3")
_BETWEEN: Final = r"[ \t\r\n\f]*(,?)[ \t\r\n\f]*"
_PATH_PART: Final = re.compile(
    _BETWEEN + r"(?:([MmZzLlHhVvCcSsQqTtAa])|([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?))"
)
_FLAG: Final = re.compile(_BETWEEN + "([01])")
_ARGUMENTS: Final = {"m": 2, "z": 0, "l": 2, "h": 1, "v": 1, "c": 6, "s": 4, "q": 4, "t": 2, "a": 7}

LISTS: Final = frozenset(
    {
        "gradientTransform",
        "kernelMatrix",
        "patternTransform",
        "points",
        "stroke-dasharray",
        "tableValues",
        "transform",
        "viewBox",
    }
)
PATHS: Final = frozenset({"d"})
COLOURS: Final = frozenset({"color", "fill", "flood-color", "lighting-color", "stop-color", "stroke"})
MEASURES: Final = frozenset(
    [
        "cx",
        "cy",
        "dx",
        "dy",
        "fx",
        "fy",
        "height",
        "offset",
        "opacity",
        "fill-opacity",
        "flood-opacity",
        "font-size",
        "markerHeight",
        "markerWidth",
        "r",
        "refX",
        "refY",
        "rx",
        "ry",
        "stop-opacity",
        "stroke-miterlimit",
        "stroke-opacity",
        "stroke-width",
        "width",
        "x",
        "x1",
        "x2",
        "y",
        "y1",
        "y2",
    ]
)


def shortened(name: str, value: str) -> str:
    """The *value* of an attribute called *name*, if there is a shorter one that means the same."""
    if name in MEASURES:
        found = _MEASURE.fullmatch(value.strip())
        return number(found[1]) + (found[2] or "") if found else value
    if name in PATHS:
        return path(value)
    if name in COLOURS:
        return _COLOUR.sub(r"#\1\2\3", value) if _COLOUR.fullmatch(value) else value
    if name in LISTS and not _STRAY_COMMA.search(value):
        value = _BRACKETS.sub(r"\1", _SEPARATORS.sub(" ", value.strip()))
        return _ANY_NUMBER.sub(lambda found: number(found[0]), value).replace(")", ") ").rstrip()
    return value


def number(text: str) -> str:
    """A decimal number without what does not count: zeros, a plus, digits beyond the tenth."""
    found = _NUMBER.fullmatch(text)
    if found is None or found[4] or not (found[2] or found[3]):
        return text
    sign, whole, part = found[1], found[2].lstrip("0"), (found[3] or "")
    if len(whole) + len(part) > _DIGITS and len(whole) <= _DIGITS:
        whole, part = _rounded(whole, part)
    part = part.rstrip("0")
    short = f"{whole}.{part}" if part else whole or "0"
    return f"-{short}" if sign == "-" and short != "0" else short


def _rounded(whole: str, part: str) -> tuple[str, str]:
    zeros = 0 if whole else len(part) - len(part.lstrip("0"))
    places = min(_DIGITS - len(whole) + zeros, 100)
    if len(part) <= places:
        return whole, part
    digits = str(int(f"{whole}{part[:places]}" or "0") + (part[places] >= "5")).rjust(places + 1, "0")
    return (digits[: len(digits) - places].lstrip("0"), digits[len(digits) - places :]) if places else (digits, "")


def path(value: str) -> str:
    """The data of a path (SVG 2 §9.3.9); as it is if there is a mistake in it, as it is drawn up to there."""
    parts: list[str] = []
    command, at, arguments = "", 0, 0
    end = len(value.rstrip(" \t\r\n\f"))
    while at < end:
        flag = command in ("a", "A") and arguments % 7 in (3, 4)
        found = (_FLAG if flag else _PATH_PART).match(value, at, end)
        if found is None or (found[1] and (arguments == 0 or (not flag and found[2]))):
            return value
        at = found.end()
        if not flag and found[2]:
            if not _complete(command, arguments):
                return value
            letter, arguments = found[2], 0
            if letter != command or letter in "MmZz":  # what follows the first point of M are lines
                parts.append(letter)
            command = letter
            continue
        short = found[2] if flag else number(found[3])
        parts.append(short if not flag and _stands_apart(parts, short) else f" {short}")
        arguments += 1
    return "".join(parts) if _complete(command, arguments) else value


def _complete(command: str, arguments: int) -> bool:
    wanted = _ARGUMENTS.get(command.lower(), 0)
    return arguments % wanted == 0 and arguments > 0 if wanted else arguments == 0


def _stands_apart(parts: list[str], short: str) -> bool:
    """Whether *short* can follow what was written without a space."""
    before = parts[-1] if parts else ""
    if before.isalpha() or short.startswith("-"):
        return True
    return short.startswith(".") and "." in before and not re.search("[eE]", before)
