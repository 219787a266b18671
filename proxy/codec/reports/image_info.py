"""imageInfo: what a file is, every value as a string (spec/01 §11)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from proxy.codec.reports.average import average
from proxy.codec.reports.subject import Subject


def image_info(subject: Subject, _: Mapping[str, int]) -> Mapping[str, object]:
    """Sides are those of the stored pixels, before EXIF turns them.

    Raises:
        InvalidImageFormat: the picture cannot be decoded.
    """
    frame = subject.traits.frame
    return {
        "format": subject.traits.format,
        "width": str(frame.width_px),
        "height": str(frame.height_px),
        "size": str(len(subject.body)),
        "md5": hashlib.md5(subject.body, usedforsecurity=False).hexdigest(),
        "frame_count": str(frame.frames),
        "photo_rgb": average(subject),
    }
