"""Bytes, CPU and SSIMULACRA2 of every format and preset, over photographs; writes docs/benchmarks.md and its plots.

    .venv/bin/python bench/codecs.py ../shared/images/photos            about 20 minutes of CPU the first time
    .venv/bin/python bench/codecs.py DIR --out OUT                      somewhere else than docs/

DIR holds ``kodak/`` (the Kodak set, or part of it), ``originals/`` and ``large/`` (one JPEG of about 8 MB).  Bytes are compared
at equal score: each picture is encoded at qualities on both sides of the score that libjpeg-turbo reaches, and bytes are
interpolated between them (the logarithm of bytes over the score).  CPU seconds are those of the process, one thread, at the
pace of a quiet machine (bench/pace.py).  What was measured is kept in the temporary directory, so a second run is quick.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from enlarged import measured_large
from equal import rows
from fit_quality import files
from judge import judge
from page import page, plotted
from trials import opened

ROOT = Path(__file__).resolve().parents[1]
SCALED_PX = 640
EACH = 3
"""At other targets than quality 80, every third picture has to do."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path)
    parser.add_argument("--out", type=Path, default=ROOT / "docs")
    given = parser.parse_args()
    print(f"judged by {judge()[0]}", flush=True)
    kodak = [opened(path) for path in files([given.images / "kodak"])]
    over_kodak = {**rows(kodak, [80]), **rows(kodak[::EACH], [90, 50])}
    photographs = [opened(path, most_px=SCALED_PX) for path in files([given.images / "originals"])]
    over_photographs = rows(photographs, [80])
    large = measured_large(files([given.images / "large"])[0], given.images / "originals")
    folder = given.out / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    for name, drawing in plotted(over_kodak, kodak[::EACH]).items():
        (folder / name).write_text(drawing)
    text = page(over_kodak, over_photographs, large, kodak=len(kodak), photographs=len(photographs))
    (given.out / "benchmarks.md").write_text(text)
    print(f"wrote {given.out / 'benchmarks.md'}")


if __name__ == "__main__":
    main()
