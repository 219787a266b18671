"""How near ``quality/auto`` comes to its target: the first answer, by the table, and the remembered one, by one measurement.

    .venv/bin/python bench/quality_auto.py IMAGES [--formats avif webp] [--targets 77 75] [--preset realtime] [--search]
        [--agreement]

IMAGES are photographs, or directories of them; larger ones are scaled down to 1,000 pixels.  Encoded by the server's own code, told
what the server would tell it; judged by another program than the server goes by (see bench/judge.py).  --search: with
what ``mogr convert`` finds besides.  --agreement: instead,
how far the server's own measure is from that program's.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from collections.abc import Sequence
from pathlib import Path

os.environ["VIPS_CONCURRENCY"] = "1"  # before pyvips is imported

from fit_quality import files
from judge import judge, score
from pace import cpu_s
from trials import Picture, opened

from proxy.codec import ssimulacra2
from proxy.codec.scoring import seen
from proxy.codec.vips import probe, render
from proxy.core.model import PRESETS, ImageLimits, Preset
from proxy.core.scores import DEFAULT, Measurement, curve_of, measured_at, quality_for
from proxy.formats import Encoding
from proxy.ports import Job, Rendered, Tuning

LIMITS = ImageLimits(max_source_bytes=1 << 30)
MOST_PX = 1000
NEAR = 1.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path, nargs="+", help="photographs, or directories of them")
    parser.add_argument("--formats", nargs="+", default=["avif", "heif", "jpeg", "webp"])
    parser.add_argument("--targets", type=int, nargs="+", default=[DEFAULT, 75])
    parser.add_argument("--preset", choices=PRESETS, default="realtime")
    parser.add_argument("--most-px", type=int, default=MOST_PX)
    parser.add_argument("--search", action="store_true")
    parser.add_argument("--agreement", action="store_true")
    given = parser.parse_args()
    pictures = [opened(path, most_px=given.most_px) for path in files(given.images)]
    print(f"# {len(pictures)} pictures, judged by {judge()[0]}")
    if given.agreement:
        agreement(pictures)
        return
    for format_ in given.formats:
        for target in given.targets:
            compared(pictures, format_, target, given.preset, search=given.search)


def compared(pictures: Sequence[Picture], format_: str, target: int, preset: Preset, *, search: bool) -> None:
    """Prints how far from *target* the answers are, first and remembered, and what they take."""
    off: dict[str, list[float]] = {}
    cpu: list[float] = []
    for picture in pictures:
        body = picture.image.pngsave_buffer(compression=0)
        encoding = Encoding(width_px=picture.image.width, height_px=picture.image.height, preset=preset)
        curve, at = curve_of(format_, encoding), measured_at(target)

        def made(quality: int | None, tune: Tuning = "given", aim: int = target, body: bytes = body) -> Rendered:
            job = Job(
                plan_text=f"imageMogr2/quality/auto:{aim}", format=format_, limits=LIMITS, preset=preset, quality=quality,
                tune=tune,
            )  # fmt: skip
            return render(body, probe(body, LIMITS), job)

        first = made(quality_for(curve, target)).body
        found, spent_s, pace = cpu_s(lambda: made(quality_for(curve, at), "measure", at).body)  # noqa: B023
        remembered = made(quality_for(curve, target, Measurement.read(json.loads(found)))).body
        answers = {"first": first, "remembered": remembered}
        if search:
            answers["searched"] = made(None, "search").body
        for name, each in answers.items():
            off.setdefault(name, []).append(score(picture.image, seen(each)) - target)
        cpu.append(spent_s / pace / picture.megapixels)
    told = "; ".join(f"{name} {_said(each)}" for name, each in off.items())
    print(f"{format_} {target} {preset}: {told}; measuring {statistics.median(cpu):.2f} s/Mpx of CPU", flush=True)


def _said(off: Sequence[float]) -> str:
    within = sum(abs(each) <= NEAR for each in off) / len(off)
    worst = max(off, key=abs)
    return f"{within:.0%} within {NEAR}, mean {statistics.mean(off):+.2f} SD {statistics.pstdev(off):.2f} worst {worst:+.1f}"


def agreement(pictures: Sequence[Picture]) -> None:
    """Prints how far the server's measure is from the program's, by score."""
    for quality in (30, 50, 65, 80, 90, 95):
        off, scores, cpu = [], [], []
        for picture in pictures:
            other = seen(picture.image.jpegsave_buffer(Q=quality, keep=0))
            theirs = score(picture.image, other)
            ours, spent_s, pace = cpu_s(lambda: ssimulacra2.score(picture.image, other))  # noqa: B023
            off.append(ours - theirs)
            scores.append(theirs)
            cpu.append(spent_s / pace / picture.megapixels)
        print(
            f"JPEG {quality}, scores of {statistics.mean(scores):.1f}: {statistics.mean(off):+.2f} (SD {statistics.pstdev(off):.2f}, "
            f"worst {max(off, key=abs):+.2f}), {statistics.median(cpu):.2f} s/Mpx of CPU", flush=True,
        )  # fmt: skip


if __name__ == "__main__":
    main()
