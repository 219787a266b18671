from __future__ import annotations

import pytest

from proxy.core.limits import check_output, check_painted, check_source_bytes, check_source_frame
from proxy.core.model import Frame, ImageLimits
from proxy.errors import ImageResolutionExceed, ImageTooLarge
from proxy.formats import CATALOGUE

CLASSIC = ImageLimits()
CI_2026 = ImageLimits(max_side_px=50_000, max_output_side_px=None, clamp_parameters_px=10_000)


def frame(width_px: int, height_px: int, frames: int = 1) -> Frame:
    return Frame(width_px=width_px, height_px=height_px, frames=frames)


def test_bytes_over_the_limit_are_too_large() -> None:
    check_source_bytes(33_554_432, CLASSIC)
    with pytest.raises(ImageTooLarge):
        check_source_bytes(33_554_433, CLASSIC)


@pytest.mark.parametrize(("limits", "inside", "outside"), [
    (CLASSIC, frame(30_000, 8_333), frame(30_001, 1)),
    (CLASSIC, frame(1, 30_000), frame(1, 30_001)),
    (CLASSIC, frame(25_000, 10_000), frame(25_000, 10_001)),
    (CLASSIC, frame(100, 100, 300), frame(1, 1, 301)),
    (CLASSIC, frame(1000, 1000, 250), frame(1000, 1000, 251)),
    (CI_2026, frame(50_000, 5_000), frame(50_001, 1)),
])  # fmt: skip
def test_sides_pixels_and_frames_of_a_source_are_bounded(limits: ImageLimits, inside: Frame, outside: Frame) -> None:
    check_source_frame(inside, limits)
    with pytest.raises(ImageResolutionExceed, match="at most"):
        check_source_frame(outside, limits)


@pytest.mark.parametrize(("limits", "format_name", "inside", "outside"), [
    (CLASSIC, "png", frame(9_999, 9_999), frame(10_000, 1)),
    (CI_2026, "png", frame(10_000, 10_000), frame(50_001, 1)),
    (CI_2026, "webp", frame(16_383, 10), frame(16_384, 10)),
    (CI_2026, "png", frame(25_000, 10_000), frame(25_000, 10_001)),
    (CLASSIC, "gif", frame(1000, 1000, 250), frame(1000, 1000, 251)),
])  # fmt: skip
def test_a_result_must_fit_the_profile_and_its_format(
    limits: ImageLimits, format_name: str, inside: Frame, outside: Frame
) -> None:
    check_output(inside, CATALOGUE[format_name], limits)
    with pytest.raises(ImageResolutionExceed, match="at most"):
        check_output(outside, CATALOGUE[format_name], limits)


def test_what_is_painted_on_the_way_may_be_as_large_as_a_source() -> None:
    check_painted(frame(30_000, 8_000), CLASSIC)
    for too_large in (frame(30_001, 1), frame(30_000, 8_334), frame(1000, 1000, 251)):
        with pytest.raises(ImageResolutionExceed):
            check_painted(too_large, CLASSIC)
