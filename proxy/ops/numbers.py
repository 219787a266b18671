"""How operations read numbers and colours: one strict spelling, one message when it is something else.

Only ASCII digits count: no sign, point, exponent, blank or digit of another script.  Lengths are bounded before anything
is converted, so no input costs more than its own reading.
"""

from __future__ import annotations

import base64
import binascii
import re

from proxy.errors import InvalidArgument

MAX_INTEGER = 2**31 - 1
"""What libvips can hold in a side; more is refused here rather than overflowing there."""

DIGITS = r"([0-9]{1,10})"
"""A group of digits, for the patterns of operations; ``side`` then says whether the value is in range."""

_INTEGER = re.compile(DIGITS)
_SIGNED = re.compile("-?" + DIGITS)
_COLOUR = re.compile(r"#([0-9A-Fa-f]{2})([0-9A-Fa-f]{2})([0-9A-Fa-f]{2})")
_MAX_COLOUR_TEXT = 16


def integer(parameter: str, text: str, low: int, high: int) -> int:
    """The integer that *text* spells.

    Raises:
        InvalidArgument: it spells none, or one outside *low* to *high*.
    """
    return _within(_INTEGER, parameter, text, low, high)


def signed(parameter: str, text: str, low: int, high: int) -> int:
    """The integer that *text* spells, which may start with a minus.

    Raises:
        InvalidArgument: it spells none, or one outside *low* to *high*.
    """
    return _within(_SIGNED, parameter, text, low, high)


def _within(spelling: re.Pattern[str], parameter: str, text: str, low: int, high: int) -> int:
    value = int(text) if spelling.fullmatch(text) else None
    if value is None or not low <= value <= high:
        raise InvalidArgument.of(parameter, text, f"an integer from {low} to {high}")
    return value


def side(parameter: str, text: str) -> int:
    """A width or height in pixels, 1 to ``MAX_INTEGER``."""
    return integer(parameter, text, 1, MAX_INTEGER)


def switch(parameter: str, text: str) -> bool:
    """``0`` or ``1``."""
    return integer(parameter, text, 0, 1) == 1


def half_up(numerator: int, denominator: int) -> int:
    """*numerator* / *denominator*, both positive, rounded half up and at least 1: how every computed side is rounded."""
    return max(1, (2 * numerator + denominator) // (2 * denominator))


def parse_colour(parameter: str, text: str) -> tuple[int, int, int]:
    """Red, green and blue of a base64 ``#RRGGBB``, in either base64 alphabet and with any padding (spec/01 §1.1)."""
    plain = text.rstrip("=")
    try:
        if len(plain) > _MAX_COLOUR_TEXT:
            raise ValueError
        padded = plain + "=" * (-len(plain) % 4)
        found = _COLOUR.fullmatch(base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii"))
        if found is None:
            raise ValueError
    except (ValueError, binascii.Error):
        raise InvalidArgument.of(parameter, text, "#RRGGBB in URL-safe base64") from None
    red, green, blue = (int(part, 16) for part in found.groups())
    return red, green, blue


def format_colour(colour: tuple[int, int, int]) -> str:
    """The one spelling of *colour*: upper case, URL-safe, without padding."""
    red, green, blue = colour
    return base64.urlsafe_b64encode(f"#{red:02X}{green:02X}{blue:02X}".encode()).decode().rstrip("=")
