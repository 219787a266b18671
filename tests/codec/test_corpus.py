"""Real files: photographs and every feature of every format go through, malformed and adversarial ones do no harm."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import proxy
from proxy.codec.sniff import sniff
from proxy.codec.vips import capabilities, probe, render
from proxy.core.model import ImageLimits
from proxy.errors import ImageResolutionExceed, InvalidImageFormat
from proxy.formats import CATALOGUE
from proxy.ports import Job

LIMITS = ImageLimits()
TEXT = "imageMogr2/thumbnail/64x"
FOLDERS = [
    "apng",
    "avif",
    "bmp",
    "gif",
    "heic",
    "ico",
    "jp2",
    "jpeg",
    "jpeg_hdr",
    "jpeg_icc",
    "jxl",
    "mini",
    "orientation",
    "other",
    "png",
    "png_pngsuite",
    "png_widegamut",
    "svg",
    "tiff",
    "webp",
]
BROKEN = {"pillow__ultrahdr.jpg", "pillow__old-style-jpeg-compression.tif", "pillow__hopper_lzma.tif"}
"""Truncated, or of a compression this build lacks: only their pixels tell."""

CHILD = """
import resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
resource.setrlimit(resource.RLIMIT_CPU, (50, 50))
from proxy.codec.vips import probe, render
from proxy.core.model import ImageLimits
from proxy.errors import ImageResolutionExceed, ImageTooLarge, InvalidImageFormat
from proxy.ports import Job
limits = ImageLimits()
job = Job(plan_text="imageMogr2/thumbnail/64x", format="png", limits=limits)
for path in sys.stdin.read().splitlines():
    with open(path, "rb") as file:
        body = file.read()
    began = time.process_time()
    try:
        traits = probe(body, limits)
        probed = time.process_time() - began
        render(body, traits, job)
        verdict = "rendered"
    except (ImageResolutionExceed, ImageTooLarge, InvalidImageFormat) as error:
        verdict, probed = type(error).__name__, 0
    print(f"{path}\\t{verdict}\\t{probed:.3f}\\t{time.process_time() - began:.3f}", flush=True)
"""


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_file_that_opens_becomes_what_was_asked(folder: str, needs_shared: Callable[[str], Path]) -> None:
    refused = []
    for path in sorted(needs_shared(f"images/formats/{folder}").iterdir()):
        body = path.read_bytes()
        try:
            traits = probe(body, LIMITS)
        except (InvalidImageFormat, ImageResolutionExceed):
            refused.append(path.name)
            continue
        assert traits.format in capabilities().decode
        for format_ in ("jpeg", "webp", "avif", "png"):
            job = Job(plan_text=TEXT, format=format_, limits=LIMITS)
            if path.name in BROKEN:
                with pytest.raises(InvalidImageFormat):
                    render(body, traits, job)
                continue
            result = render(body, traits, job)
            again = probe(result.body, LIMITS)
            asked = (result.format, result.frame.width_px, result.frame.height_px, result.frame.orientation)
            frame = again.frame
            assert asked == (again.format, frame.width_px, frame.height_px, frame.orientation), (path.name, format_)
            assert frame.frames <= result.frame.frames  # WebP joins frames that look alike
            assert sniff(result.body) == format_
            assert not CATALOGUE[format_].animation or (frame.frames > 1) <= traits.frame.animated
    opening = {"heic": 4 if "heif" in capabilities().decode else 1, "bmp": 13}.get(folder, 1)
    if folder not in ("jp2", "jxl", "svg", "other"):
        assert len(list(needs_shared(f"images/formats/{folder}").iterdir())) - len(refused) >= opening, refused


@pytest.mark.parametrize("format_", ["jpeg", "webp", "avif"])
def test_a_real_photograph_gets_small(format_: str, needs_shared: Callable[[str], Path]) -> None:
    body = needs_shared("images/photos/kodak/kodim03.png").read_bytes()
    job = Job(plan_text="imageMogr2/quality/80", format=format_, limits=LIMITS)
    result = render(body, probe(body, LIMITS), job)
    assert len(result.body) < len(body) / 8
    assert (result.frame.width_px, result.frame.height_px) == (768, 512)


def test_hostile_files_cost_little_and_crash_nothing(needs_shared: Callable[[str], Path]) -> None:
    """All of them in one process, with 4 GiB and 50 s of CPU: no crash, no error but ours, no probe over a second."""
    paths = sorted(str(path) for path in needs_shared("images/hostile").rglob("*") if path.is_file())
    environment = {"PATH": os.defpath, "PYTHONPATH": str(Path(proxy.__file__).parents[1]), "VIPS_CONCURRENCY": "1"}
    done = subprocess.run(
        [sys.executable, "-c", CHILD],
        env=environment,
        input="\n".join(paths),
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    stopped_at = paths[len(lines)] if len(lines) < len(paths) else None
    assert (stopped_at, done.returncode) == (None, 0), done.stderr[-2000:]
    slow = [line for line in lines if float(line[2]) > 1.5 or float(line[3]) > 8]
    assert not slow
    assert {line[1] for line in lines} == {
        "rendered", "InvalidImageFormat", "ImageResolutionExceed", "ImageTooLarge",
    }  # fmt: skip
