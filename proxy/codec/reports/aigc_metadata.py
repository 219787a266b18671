"""imageAIGCMetadata: the label of AI-generated content in a file's XMP, as ``ci-process=ImageAIGCMetadata`` answers it."""

from __future__ import annotations

from collections.abc import Mapping

from proxy.codec import aigc, libvips
from proxy.codec.decode import decode
from proxy.codec.reports.subject import Subject


def image_aigc_metadata(subject: Subject, _: Mapping[str, int]) -> Mapping[str, object]:
    """``{"AIGC": {…}}`` with the label's fields; an empty object without a label (CI 460/122025).

    Raises:
        InvalidImageFormat: the picture cannot be opened.
    """
    packet = libvips.blob(decode(subject.body, subject.traits, frames=1), "xmp-data")
    label = aigc.read(packet) if packet is not None else None
    return {"AIGC": label} if label is not None else {}
