"""Blind watermarks: hidden in a picture, found again in what became of it (spec/01 §10.3).

Three kinds, by CI's numbers: 1 is an emblem that is found with the help of the original, 2 an emblem that is found by
itself, 3 a text.  ``waves`` has the scheme; here is what each kind hides, and how sure a find is.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from proxy.codec import libvips
from proxy.codec.blind import coding, emblem, pixels, waves
from proxy.errors import InvalidArgument
from proxy.ops.blind import TEXT_BYTES, Kind

Array = Any

_STRENGTHS = {Kind.WITH_ORIGINAL: 0.7, Kind.EMBLEM: 0.4}
_STRENGTHS_OF_TEXT = dict(zip(TEXT_BYTES, (0.65, 0.8, 0.95), strict=True))
"""The more signs, the fewer waves each has, so a longer text is hidden more strongly."""
_LEVELS = (1.0, 1.4, 2.0)
_PILOTS = 256
"""Signs that every mark of the first kind has, since nobody who looks for it need know the emblem."""
_STATUSES = ((0.0, 0), (5.5, 60), (7.0, 75), (14.0, 100))
"""Deviations of chance and the status they mean: from 60 chance has 3 in ten million, from 75 on 2 in a hundred thousand
million (``waves.agreement``), for each of the ways that a picture is looked at."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found; persistence and reports tell it in their own words."""

    status: int
    """0 to 100, CI's ``WatermarkStatus``: over 75 it is there, from 60 on it may be."""
    text: str | None = None
    emblem: libvips.Image | None = None
    """What was read as a grey picture, whatever the status."""


def hide(
    image: libvips.Image, kind: Kind, level: int, *, text: str = "", mark: libvips.Image | None = None
) -> libvips.Image:
    """*image*, one page in memory, with *text* or *mark* hidden in it; its size, depth and alpha stay.

    Raises:
        InvalidArgument: *mark* is of one colour, or what is hidden cannot be read from the picture again.
        OperationNotImplemented: NumPy is not installed.
    """
    purpose, signs = _signs(kind, text, mark)
    levels = pixels.brightness(image)
    with libvips.broken_pictures():
        pattern = waves.pattern(
            levels, signs, purpose, strength=_strength(kind, text) * _LEVELS[level - 1], size_px=(image.width, image.height),
            host=kind is not Kind.WITH_ORIGINAL,
        )  # fmt: skip
        marked = pixels.added(image, pattern).copy_memory()
    if not _there(kind, marked, levels, purpose, signs, text):
        raise InvalidArgument(public="The picture has too little in it that could hide this blind watermark.")
    return marked


def find(image: libvips.Image, kind: Kind, given: libvips.Image | None = None) -> Found:
    """What is hidden in *image*; *given* is the original for the first kind, the mark for the second.

    The picture may have been resized, recompressed, mirrored or turned by quarters; not cropped.

    Raises:
        InvalidArgument: *given* is of one colour.
        OperationNotImplemented: NumPy is not installed.
    """
    spectra = waves.turned(waves.spectrum(pixels.brightness(image)))
    if kind is Kind.TEXT:
        return _text(spectra)
    if given is None:
        raise InvalidArgument.of("image", "", "the picture that extracting an emblem needs")
    if kind is Kind.EMBLEM:
        return _emblem(spectra, given)
    return _difference(spectra, waves.spectrum(pixels.brightness(given)))


def _strength(kind: Kind, text: str) -> float:
    return _STRENGTHS_OF_TEXT[coding.length_of(text)] if kind is Kind.TEXT else _STRENGTHS[kind]


def _signs(kind: Kind, text: str, mark: libvips.Image | None) -> tuple[str, Array]:
    """What the signs of this kind are spread for, and the signs."""
    np = waves.library()
    if kind is Kind.TEXT:
        return "text", coding.encode(text)
    if mark is None:
        raise InvalidArgument.of("image", "", "the picture to hide")
    signs = emblem.signs_of(mark)
    if kind is Kind.EMBLEM:
        return "emblem", signs * _own(signs)
    return "original", np.concatenate([signs, waves.keystream("pilots", _PILOTS)])


def _own(signs: Array) -> Array:
    """Signs of the emblem *signs* alone: to other emblems, however alike, what is hidden is noise."""
    return waves.keystream("emblem", len(signs), (signs > 0).tobytes())


def _text(spectra: Array) -> Found:
    for length in TEXT_BYTES:
        said = waves.gather(spectra, "text", coding.signs_of(length))
        read = coding.decode(said)
        if read is not None:
            row, text = read
            return Found(_status(float(waves.agreement(said[row], coding.encode(text)))), text=text)
    return Found(0)


def _emblem(spectra: Array, mark: libvips.Image) -> Found:
    signs = emblem.signs_of(mark)
    own = _own(signs)
    said = waves.gather(spectra, "emblem", emblem.SIGNS)
    sure = waves.agreement(said, signs * own)
    row = int(sure.argmax())
    return Found(_status(float(sure[row])), emblem=emblem.shown(said[row] * own))


def _difference(spectra: Array, original: Array) -> Found:
    # The picture lies as the original does in the orientation in which it is most like it.
    row = int((spectra @ original).argmax())
    said = waves.gather(spectra[row] - original, "original", emblem.SIGNS + _PILOTS)
    sure = float(waves.agreement(said[emblem.SIGNS :], waves.keystream("pilots", _PILOTS)))
    return Found(_status(sure), emblem=emblem.shown(said[: emblem.SIGNS]))


def _there(kind: Kind, marked: libvips.Image, levels: Array, purpose: str, signs: Array, text: str) -> bool:
    """Whether what was hidden can be read from the picture as it is now."""
    found = waves.spectrum(pixels.brightness(marked))
    if kind is Kind.WITH_ORIGINAL:
        found = found - waves.spectrum(levels)
    said = waves.gather(found, purpose, len(signs))
    if kind is Kind.TEXT:
        return coding.decode(said[None]) == (0, text)
    return _status(float(waves.agreement(said, signs))) >= 75


def _status(sure: float) -> int:
    for (low, least), (high, most) in pairwise(_STATUSES):
        if sure < high:
            return max(0, int(least + (most - least) * (sure - low) / (high - low)))
    return _STATUSES[-1][1]
