"""Sides that keep a picture's proportions: the most that lies within a box, the least that covers one."""

from __future__ import annotations

from proxy.ops.numbers import half_up

Size = tuple[int, int]
"""Width and height in pixels."""


def within(box_px: Size, size_px: Size) -> Size:
    """*size_px* scaled until it just lies within *box_px*; one side is met exactly, the other rounded half up."""
    return _by_width(box_px, size_px) if _is_flatter(size_px, box_px) else _by_height(box_px, size_px)


def covering(box_px: Size, size_px: Size) -> Size:
    """*size_px* scaled until it just covers *box_px*."""
    return _by_height(box_px, size_px) if _is_flatter(size_px, box_px) else _by_width(box_px, size_px)


def _is_flatter(one_px: Size, other_px: Size) -> bool:
    return other_px[0] * one_px[1] <= other_px[1] * one_px[0]


def _by_width(box_px: Size, size_px: Size) -> Size:
    return box_px[0], half_up(size_px[1] * box_px[0], size_px[0])


def _by_height(box_px: Size, size_px: Size) -> Size:
    return half_up(size_px[0] * box_px[1], size_px[1]), box_px[1]
