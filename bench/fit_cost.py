"""Fits and checks proxy/codec/cost_table.py: CPU seconds of jobs, predicted from sizes alone, against what they take.

    .venv/bin/python bench/fit_cost.py IMAGES            measures, fits, prints the table to paste, and its error
    .venv/bin/python bench/fit_cost.py IMAGES --check    measures, and prints the error of the table in force

IMAGES are photographs or directories of them; some are also tried as WebP, AVIF, TIFF and 16-bit PNG.  Jobs are drawn at random (always the same) from pictures x operations x formats
x presets; two thirds of the pictures are fitted, on the others the error is told.  CPU seconds of this process, one thread, at
the pace of a quiet machine (bench/pace.py).  Least squares of the relative error, no coefficient below zero.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ["VIPS_CONCURRENCY"] = "1"

import numpy as np
import pyvips
from cache import Cache
from fit_quality import files
from pace import cpu_s
from scipy.optimize import nnls
from trials import versions

from proxy.codec import cost
from proxy.codec.cost_table import SECONDS
from proxy.codec.vips import probe, render
from proxy.core.model import PRESETS, ImageLimits, Traits
from proxy.errors import MogrError
from proxy.ports import Job

OPERATIONS = (
    "imageMogr2",
    "imageMogr2/thumbnail/200x",
    "imageMogr2/thumbnail/400x",
    "imageMogr2/thumbnail/800x",
    "imageMogr2/thumbnail/800x/quality/60",
    "imageMogr2/thumbnail/1200x",
    "imageMogr2/thumbnail/1600x/quality/90",
    "imageMogr2/thumbnail/!50p",
    "imageMogr2/crop/600x400/gravity/center",
    "imageMogr2/cut/600x400x100x50",
    "imageMogr2/auto-orient/thumbnail/640x/strip",
    "imageMogr2/thumbnail/800x/rotate/90",
    "imageMogr2/thumbnail/800x/rotate/30",
    "imageMogr2/thumbnail/800x/sharpen/70",
    "imageMogr2/thumbnail/800x/blur/8x5",
    "imageMogr2/iradius/200",
    "imageMogr2/thumbnail/800x|watermark/2/text/bW9ncg",
)
FORMATS = ("avif", "gif", "heif", "jpeg", "jxl", "png", "webp")
LONGEST_S = 6.0
"""Jobs predicted to take longer are left out: a hundred of them would take an hour."""
TRUST, TRUST_IN_BLUR = 1.0, 30.0
"""Of a blur the radius counts, and only one is tried here."""
LIMITS = ImageLimits()
_KEPT = Cache("costs")


@dataclass(frozen=True)
class Measured:
    picture: str
    kind: str
    """Source format, output format and preset."""
    work: Mapping[str, float]
    cpu_s: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path, nargs="+")
    parser.add_argument("--jobs", type=int, default=400, help="how many are measured (default: 400)")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    paths = files(given.images)
    measured = measure(paths, given.jobs)
    held_out = {path.name for path in paths[::3]}
    fitted = [each for each in measured if each.picture not in held_out]
    others = [each for each in measured if each.picture in held_out]
    table: Mapping[str, float] = SECONDS
    if not given.check:
        table = {**SECONDS, **fit(fitted)}
        for kind, seconds in fit(measured).items():
            print(f'    "{kind}": {seconds:.3g},')
        tell(f"pictures that were fitted ({len(fitted)} jobs)", fitted, table)
    tell(f"pictures held out ({len(others)} jobs)", others, table)
    tell(f"all ({len(measured)} jobs)", measured, table)


def sources(paths: Sequence[Path]) -> list[tuple[str, bytes]]:
    """Names and bytes."""
    found = [(path.name, path.read_bytes()) for path in paths]
    for number, path in enumerate(path for path in paths if path.suffix == ".png"):
        image = pyvips.Image.new_from_file(str(path)).thumbnail_image(768)
        wide = (image.cast("ushort") * 257).cast("ushort").copy(interpretation="rgb16")
        others = (
            lambda image=image: image.webpsave_buffer(Q=80),
            lambda image=image: image.heifsave_buffer(compression="av1", effort=1, Q=60),
            lambda image=image: image.tiffsave_buffer(compression="lzw", predictor="horizontal"),
            lambda wide=wide: wide.pngsave_buffer(),
        )
        found.append((path.name, others[number % len(others)]()))
    return found


def measure(paths: Sequence[Path], jobs: int) -> list[Measured]:
    draw = random.Random(4)
    found: list[Measured] = []
    told = dict(versions())
    drawn = sources(paths)
    while len(found) < jobs:
        name, body = draw.choice(drawn)
        traits = probe(body, LIMITS)
        job = Job(
            plan_text=draw.choice(OPERATIONS), format=draw.choice(FORMATS), limits=LIMITS, preset=draw.choice(PRESETS)
        )
        try:
            predicted_s = cost.render_s(traits, job)
        except MogrError:  # a crop larger than the picture
            continue
        if predicted_s > LONGEST_S:
            continue
        key = [name, len(body), job.plan_text, job.format, job.preset, told]
        spent_s, pace = _KEPT.get(key, lambda body=body, traits=traits, job=job: _spent(body, traits, job))
        kind = f"{traits.format} to {job.format} {job.preset}"
        found.append(Measured(name, kind, cost.work(traits, job), spent_s / pace))
        if len(found) % 50 == 0:
            print(f"# {len(found)} jobs, pace {pace:.2f}", flush=True)
    return found


def _spent(body: bytes, traits: Traits, job: Job) -> tuple[float, float]:
    _, spent_s, pace = cpu_s(lambda: render(body, traits, job))
    return spent_s, pace


def fit(measured: Sequence[Measured]) -> dict[str, float]:
    """Seconds by kind; rows are divided by what they took, so that a small job counts as much as a large one.

    The table in force counts as so many jobs for each kind as ``TRUST`` says: what few jobs had stays near what it was.
    """
    kinds = sorted({kind for each in measured for kind, amount in each.work.items() if amount})
    rows = np.array([[each.work.get(kind, 0.0) / each.cpu_s for kind in kinds] for each in measured])
    wanted = weight = np.ones(len(measured))
    trust = np.sqrt([TRUST_IN_BLUR if kind.startswith("blur") else TRUST for kind in kinds])
    trust *= [bool(SECONDS.get(kind)) for kind in kinds]
    held = np.diag([each / SECONDS.get(kind, 1.0) if each else 0.0 for each, kind in zip(trust, kinds, strict=True)])
    for _ in range(10):  # towards least absolute error: a job that nothing explains shall not bend the rest
        solution, _ = nnls(np.vstack([rows * weight[:, None], held]), np.concatenate([wanted * weight, trust]))
        weight = 1 / np.sqrt(np.maximum(0.05, np.abs(rows @ solution - wanted)))
    return dict(zip(kinds, (float(each) for each in solution), strict=True))


def tell(title: str, measured: Sequence[Measured], table: Mapping[str, float]) -> None:
    """The errors over all, and by what makes a difference."""
    groups: dict[str, list[float]] = defaultdict(list)
    for each in measured:
        error = abs(_predicted_s(each, table) / each.cpu_s - 1)
        source, _, output, preset = each.kind.split()
        for group in ("all", f"from {source}", f"to {output}", preset):
            groups[group].append(error)
    print(f"# {title}: median error {100 * statistics.median(groups['all']):.0f} %")
    for group, errors in sorted(groups.items()):
        worst = sorted(errors)[int(0.9 * (len(errors) - 1))]
        print(
            f"#   {group:14} median {100 * statistics.median(errors):3.0f} %, nine in ten within {100 * worst:3.0f} %"
        )


def _predicted_s(measured: Measured, table: Mapping[str, float]) -> float:
    return sum(amount * table.get(kind, 0.0) for kind, amount in measured.work.items())


if __name__ == "__main__":
    main()
