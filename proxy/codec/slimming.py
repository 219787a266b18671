"""What ``imageSlim`` takes on, told from the header alone (spec/01 §12).  Pure: the web worker predicts costs with it."""

from __future__ import annotations

from proxy.core.model import Traits
from proxy.core.plan import Plan

SLIMMED = frozenset({"jpeg", "png", "gif"})
"""Anything else stays as it is, but for SVG, which has a way of its own to fewer bytes (``format/svgc``)."""
MOST_PX = 24_000_000
"""Larger pictures stay as they are: the searches take up to a second a megapixel."""


def leaves_alone(plan: Plan, traits: Traits) -> bool:
    """Whether *plan* asks for nothing that is done to such a picture, so that the original is the answer."""
    slimmed = traits.format == "svg" or (traits.format in SLIMMED and traits.frame.pixels <= MOST_PX)
    return plan.only_slim and not slimmed
