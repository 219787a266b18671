"""What a codec process needs of the modules that touch pixels, and where they are.

Nothing here imports them before ``load`` is called, which only codec processes and the inline codec do.
"""

from __future__ import annotations

import importlib
from typing import Protocol, cast

from proxy.core.model import ImageLimits, Traits
from proxy.ports import Job, Rendered

MODULE = "proxy.codec.vips"


class Pixels(Protocol):
    """The functions of a pixel module; each raises the errors ``ports.Codec`` lists and no others knowingly."""

    def probe(self, body: bytes, limits: ImageLimits) -> Traits: ...
    def render(self, body: bytes, traits: Traits, job: Job) -> Rendered: ...
    def capabilities(self) -> object:
        """What this build can do.  Encodes and decodes a little of everything, so it also warms the libraries up."""
        ...


def load() -> Pixels:
    """Import the pixel modules, and with them pyvips and Pillow."""
    return cast("Pixels", importlib.import_module(MODULE))
