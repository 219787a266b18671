"""What one picture may cost: the checks before decoding and before painting, by numbers alone.

Bytes over the limit are ``ImageTooLarge``; sides, pixels and frames are ``ImageResolutionExceed`` (spec/04 §2).
"""

from __future__ import annotations

from proxy.core.model import Format, Frame, ImageLimits
from proxy.errors import ImageResolutionExceed, ImageTooLarge


def check_source_bytes(size_bytes: int, limits: ImageLimits) -> None:
    """Before download or decoding.

    Raises:
        ImageTooLarge: more than ``limits.max_source_bytes``.
    """
    if size_bytes > limits.max_source_bytes:
        raise ImageTooLarge(f"{size_bytes} bytes, at most {limits.max_source_bytes}")


def check_source_frame(frame: Frame, limits: ImageLimits) -> None:
    """Before decoding: sides, frames, and width x height x frames of the source.

    Raises:
        ImageResolutionExceed: any of them over *limits*.
    """
    if frame.frames > limits.max_frames:
        raise ImageResolutionExceed(
            public=f"The picture has {frame.frames} frames, at most {limits.max_frames} are allowed."
        )
    _check_size("has", frame, limits.max_side_px, limits)


def check_painted(frame: Frame, limits: ImageLimits) -> None:
    """Before painting: the result of one operation of several.

    Raises:
        ImageResolutionExceed: more pixels, or a longer side, than a source may have.
    """
    _check_size("would have on the way", frame, limits.max_side_px, limits)


def check_output(frame: Frame, format_: Format, limits: ImageLimits) -> None:
    """Before painting: the picture that is to be encoded.

    Raises:
        ImageResolutionExceed: more pixels than allowed, or a side longer than ``limits.max_output_side_px`` or than
            *format_* can hold.
    """
    side_px = limits.max_side_px if limits.max_output_side_px is None else limits.max_output_side_px
    _check_size("would have", frame, side_px, limits)
    _check_size(f"would have as {format_.name}", frame, format_.max_side_px, limits)
    if format_.max_height_px is not None and frame.height_px > format_.max_height_px:
        raise ImageResolutionExceed(
            public=f"The picture would be {frame.height_px} pixels high, as {format_.name} at most "
            f"{format_.max_height_px} are possible."
        )


def _check_size(tense: str, frame: Frame, max_side_px: int, limits: ImageLimits) -> None:
    size = f"The picture {tense} {frame.width_px} x {frame.height_px} pixels"
    if max(frame.width_px, frame.height_px) > max_side_px:
        raise ImageResolutionExceed(public=f"{size}, at most {max_side_px} a side are allowed.")
    if frame.pixels > limits.max_pixels:
        times = f" in {frame.frames} frames" if frame.animated else ""
        raise ImageResolutionExceed(public=f"{size}{times}, at most {limits.max_pixels} in all are allowed.")
