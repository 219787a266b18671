"""X-Img-Accept: what a CDN says that a client takes, in a word that it can key its cache by.

Not a standard field: CDNs that key by a header are told to make one of this name from Accept, at their edge.
"""

from __future__ import annotations

import re
from typing import Final

NAME: Final = "x-img-accept"
_CLASSES: Final = {
    "jxl": "image/jxl,image/avif,image/webp",
    "avif": "image/avif,image/webp",
    "webp": "image/webp",
}
"""Every client that shows one of these shows those after it."""
_SEPARATOR = re.compile(r"[\s,]+")
_MAX_CHARS: Final = 64


def as_accept(text: str) -> str:
    """The Accept field that *text* stands for: ``jxl``, ``avif``, ``webp``, or several; other words, as ``none``, say nothing."""
    words = _SEPARATOR.split(text.lower()) if len(text) <= _MAX_CHARS else []
    return next((accept for name, accept in _CLASSES.items() if name in words), "")
