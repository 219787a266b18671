"""What ``watermark/3`` and ``watermark/4`` have in common: the kind of mark, and what it may hold (spec/01 §10.3)."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from proxy.core.plan import Need
from proxy.errors import InvalidArgument
from proxy.ops.marks import parse_need
from proxy.ops.numbers import integer

TEXT_BYTES = (8, 16, 32)
"""How long a hidden text may be, in bytes of UTF-8: a shorter one is read more surely."""
_WITHIN_PX = 768
"""Twice what marks are hidden in: of an original nothing finer is compared, and an emblem is coarser by far."""
_VERSIONS = ("1.0", "2.0", "3.0")


class Kind(enum.IntEnum):
    """By CI's numbers."""

    WITH_ORIGINAL = 1
    """An emblem, found with the help of the original."""
    EMBLEM = 2
    TEXT = 3


def parse_kind(modifiers: Mapping[str, str]) -> Kind:
    """``type``, which has to be there; ``version``, of CI's algorithms, is read and means nothing: there is one here.

    Raises:
        InvalidArgument: either is none of CI's.
    """
    if modifiers.get("version", _VERSIONS[0]) not in _VERSIONS:
        raise InvalidArgument.of("version", modifiers["version"], f"one of {', '.join(_VERSIONS)}")
    return Kind(integer("type", modifiers.get("type", ""), 1, 3))


def parse_emblem(modifiers: Mapping[str, str]) -> Need:
    """The picture to hide, or to look for.

    Raises:
        InvalidArgument: there is none, or its URL or key is malformed.
    """
    return parse_need(modifiers, expected="the http:// URL of the mark in URL-safe base64", within_px=_WITHIN_PX)


def needs_of_report(modifiers: Mapping[str, str]) -> tuple[Need, ...]:
    """What looking for a mark takes besides the picture: its original, the mark, or nothing.

    Raises:
        InvalidArgument: as ``parse_kind``, and the picture that the kind takes is missing or malformed.
    """
    match parse_kind(modifiers):
        case Kind.WITH_ORIGINAL:
            expected = "the http:// URL of the original in URL-safe base64"
            return (parse_need(modifiers, expected=expected, within_px=_WITHIN_PX),)
        case Kind.EMBLEM:
            return (parse_emblem(modifiers),)
        case Kind.TEXT:
            return ()
