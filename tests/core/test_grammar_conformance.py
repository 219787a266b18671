"""The cases of the specification beside this checkout: what can be told of them without a pixel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proxy.core.grammar import asks_ignore_error, parse_plan
from proxy.core.limits import check_source_bytes, check_source_frame
from proxy.core.model import Frame, Traits
from proxy.core.query import split_query
from proxy.core.schedule import schedule
from proxy.errors import MogrError, OperationNotImplemented
from proxy.formats import CATALOGUE
from proxy.settings import Limits

CASES = Path(__file__).resolve().parents[3] / "shared" / "spec" / "conformance_cases.json"
PREFIXES = {
    "info",
    "eff",
    "thumb",
    "cut",
    "crop",
    "rot",
    "pipe",
    "fmt",
    "q",
    "lim",
    "iv",
    "rcrop",
    "idx",
    "circ",
    "scrop",
}
OTHERWISE = {
    "fmt-018": "CI's console switch for AVIF does not exist here",
    "fmt-024": "format/auto is ours",
    "scrop-001": "the content decides: tests/journeys asks a server",
    "scrop-002": "the content decides: tests/journeys asks a server",
}


def cases() -> list[Any]:
    if not CASES.exists():
        return [
            pytest.param(
                None, marks=pytest.mark.skip(reason=f"needs ../shared/spec/{CASES.name}, not beside this checkout")
            )
        ]
    found = [case for case in json.loads(CASES.read_text())["cases"] if case["id"].split("-")[0] in PREFIXES]
    return [
        pytest.param(
            case,
            id=case["id"],
            marks=[pytest.mark.skip(reason=OTHERWISE[case["id"]])] if case["id"] in OTHERWISE else [],
        )
        for case in found
    ]


def outcome(case: dict[str, Any], profile: str) -> dict[str, Any]:
    limits = Limits(profile=profile).image_limits()  # type: ignore[arg-type]
    given = case["input"]
    frame = Frame(
        width_px=given["w"], height_px=given["h"], frames=given.get("frames", 1),
        orientation=given.get("exif_orientation", 1),
    )  # fmt: skip
    source = Traits(format=given["format"], frame=frame, quality=given.get("quality"))
    text = split_query(case["op"].encode()).operation
    assert text is not None
    try:
        plan = parse_plan(text, clamp_px=limits.clamp_parameters_px)
        check_source_bytes(given.get("bytes", 0), limits)
        check_source_frame(frame, limits)
        output = CATALOGUE[plan.format or source.format]
        after = schedule(
            plan, frame, output=output, auto=False, orient=False, limits=limits, source_format=source.format
        ).frame
    except OperationNotImplemented:
        raise
    except MogrError as error:
        if asks_ignore_error(text):
            return {"status": 200, "w": frame.width_px, "h": frame.height_px, "same_bytes_as_source": True}
        return {"status": error.status, "error_code": error.code}
    found: dict[str, Any] = {
        "status": 200, "w": after.width_px, "h": after.height_px, "format": output.name, "frames": after.frames,
        "exif_orientation": after.orientation, "orientation_after": after.orientation,
        "progressive": bool(plan.interlace), "headers": {"Content-Type": output.media_type},
    }  # fmt: skip
    if source.quality is not None and output.quality:
        found["quality"] = plan.quality(source.quality)
    return found


def fits(found: dict[str, Any], expected: dict[str, Any], tolerance_px: int) -> bool:
    """Whether *found* agrees with whatever *expected* says that needs no pixels."""
    for key, value in expected.items():
        if key in ("w", "h"):
            if abs(found.get(key, -9) - value) > tolerance_px:
                return False
        elif key == "max_pixels":
            if found["w"] * found["h"] > value:
                return False
        elif key in found or key in ("same_bytes_as_source", "error_code"):
            overridden = key == "headers" and value != found[key] and "image/x" in value.values()
            if found.get(key) != value and not overridden:
                return False
    return True


@pytest.mark.parametrize("profile", ["classic", "ci-2026"])
@pytest.mark.parametrize("case", cases())
def test_the_specifications_cases_are_met(case: dict[str, Any], profile: str) -> None:
    found = outcome(case, profile)
    acceptable = [
        expected
        for expected in case["expect"].get("one_of", [case["expect"]])
        if expected.get("profile", profile) == profile
    ]
    tolerance_px = case.get("tolerance_px", 0)
    assert any(fits(found, expected, tolerance_px) for expected in acceptable), (found, acceptable)
