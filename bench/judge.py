"""SSIMULACRA2: how much a picture looks like its original, 100 exactly, 90 hardly told apart, 70 well, 50 fairly.

A program is several times faster than the Python package, so one is used where it is: ``ssimulacra2`` (libjxl's tools) or
``ssimulacra2_rs`` (``cargo install ssimulacra2_rs --no-default-features``), on the PATH or named by MOGR_SSIMULACRA2.  Else
``pip install mogr[bench]`` has the package.  The three agree within 0.3 points at scores above 70 on most pictures, 2 below.
"""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

PROGRAMS = ("ssimulacra2", "ssimulacra2_rs")


@cache
def judge() -> tuple[str, str]:
    """What is used, and its path; the path is empty for the Python package."""
    named = os.environ.get("MOGR_SSIMULACRA2")
    for program in (named,) if named else PROGRAMS:
        path = shutil.which(program)
        if path is not None:
            return Path(path).name, path
    try:
        module = importlib.import_module("ssimulacra2")
    except ImportError:
        raise SystemExit("no SSIMULACRA2 here: pip install 'mogr[bench]', or see bench/judge.py") from None
    return f"the Python package ssimulacra2 {getattr(module, '__version__', '')}".strip(), ""


def score(one: Any, other: Any) -> float:
    """The score of *other* against *one*: libvips images, 8 bits a sample, sRGB, of one size, without alpha."""
    name, path = judge()
    with tempfile.TemporaryDirectory() as folder:
        files = [f"{folder}/{number}.png" for number in range(2)]
        for file, image in zip(files, (one, other), strict=True):
            image.pngsave(file, compression=0, keep=0)
        if not path:
            return float(importlib.import_module("ssimulacra2").compute_ssimulacra2(*files))
        verb = ["image"] if name.endswith("_rs") else []
        said = subprocess.run([path, *verb, *files], capture_output=True, text=True, check=True).stdout
        found = re.search(r"-?\d+\.\d+", said)
        if found is None:
            raise SystemExit(f"{name} said {said!r}")
        return float(found.group())
