"""watermark/4: the blind watermark in a picture, how sure it is, and what it says or shows.

CI extracts in persistent operations alone, whose answer has ``WatermarkStatus``, and stores the emblem; asked by a URL, the
report has both, in the names that CI has for them (spec/01 §10.3, spec/02 §4).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

from proxy.codec import blind, libvips
from proxy.codec.blind import waves
from proxy.codec.decode import ingredient
from proxy.codec.reports.subject import Subject
from proxy.core.xml import document, element, text
from proxy.ops.blind import Kind


def blind_mark(subject: Subject, arguments: Mapping[str, int]) -> bytes:
    """``WatermarkStatus``, 0 to 100; ``Text`` where a text was read; ``ResultImage``, a PNG in base64, of what was read of an
    emblem.

    Raises:
        InvalidArgument: the emblem to look for is of one colour.
        InvalidImageFormat: the picture, or the other one, cannot be decoded.
        OperationNotImplemented: NumPy is not installed.
    """
    found = extract(subject, Kind(arguments["type"]))
    children = [element("WatermarkStatus", str(found.status))]
    if found.text is not None:
        children.append(element("Text", text(found.text)))
    if found.emblem is not None:
        children.append(element("ResultImage", base64.b64encode(png(found.emblem)).decode()))
    return document(element("Response", *children))


def extract(subject: Subject, kind: Kind) -> blind.Found:
    """What is hidden in the first frame of *subject*, whose only input is the original, or the emblem, where *kind* takes one.

    Raises: as ``blind_mark``.
    """
    waves.library()
    with libvips.broken_pictures():
        image = subject.reduced(waves.SIDE_PX).copy_memory()
        given = ingredient(subject.inputs[0]) if subject.inputs else None
        return blind.find(image, kind, given)


def png(emblem: libvips.Image) -> bytes:
    return libvips.save("png", emblem, {}, keep=libvips.KEEP_NOTHING)
