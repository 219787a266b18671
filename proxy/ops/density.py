"""``dpr`` (ours): the device's pixels per CSS pixel, by which the lengths in a stage are multiplied.

It says what the lengths of a stage mean, so it is no operation: ``dpr/2/thumbnail/300x`` is ``thumbnail/600x``.  What may
not be larger than the picture (``crop`` and the radii) is multiplied as far as the picture allows, since a URL must not
fail on sharper screens only.
"""

from __future__ import annotations

import re
from typing import Protocol, Self, runtime_checkable

from proxy.core.model import Frame
from proxy.errors import InvalidArgument

ONE = 10
"""A dpr of 1 in tenths, which is how it is counted."""
_MAX = 50
_DPR = re.compile(r"([0-9])(?:\.([0-9]))?")


@runtime_checkable
class Dense(Protocol):
    """An operation with lengths in pixels of its result."""

    def times(self, tenths: int, frame: Frame) -> Self:
        """The operation with its lengths multiplied, as it is to be applied to a picture of *frame*."""
        ...


def parse_dpr(text: str) -> int:
    """Read a number from 1 to 5 with at most one decimal, in tenths.

    Raises:
        InvalidArgument: it is none.
    """
    found = _DPR.fullmatch(text) if text.isascii() else None
    tenths = int(found[1]) * ONE + int(found[2] or 0) if found else 0
    if not ONE <= tenths <= _MAX:
        raise InvalidArgument.of("dpr", text, "a number from 1 to 5 with at most one decimal")
    return tenths


def format_dpr(tenths: int) -> str:
    """``/dpr/2``, ``/dpr/1.5``; nothing for 1."""
    whole, rest = divmod(tenths, ONE)
    return "" if tenths == ONE else f"/dpr/{whole}" + (f".{rest}" if rest else "")
