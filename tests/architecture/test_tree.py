"""The checkout itself: sizes, names of places that belong to one machine, lock files, what ships with the pictures."""

from __future__ import annotations

import hashlib
import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Spelled so that this file does not match itself.
PLACES = re.compile(
    r"(?<![\w.])/(?:work|root|home|opt/wheels|tmp/[a-z])/|index[-]url|pypi[.]org|pythonhosted[.]org|registry[.]npm"
)


@cache
def tracked() -> tuple[Path, ...]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("needs a git checkout and git")
    names = listed.stdout.decode().split("\0")
    return tuple(path for name in names if name and (path := ROOT / name).is_file())


def test_modules_hold_one_idea():
    lengths = {path: len(path.read_text().splitlines()) for path in (ROOT / "proxy").rglob("*.py")}
    assert not {str(path.relative_to(ROOT)): lines for path, lines in lengths.items() if lines > 300}


def test_no_place_of_one_machine_is_named():
    found = []
    for path in tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        found += [
            f"{path.relative_to(ROOT)}:{n}: {line[:120]}"
            for n, line in enumerate(text.splitlines(), 1)
            if PLACES.search(line)
        ]
    assert not found


@pytest.mark.parametrize("name", ["build", "run", "test"])
def test_lock_files_pin_and_hash_everything_and_name_no_place(name):
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    pins = re.sub(r"\\\n|#.*", "", text).split("\n")
    assert "://" not in text
    assert all("==" in line and "--hash=sha256:" in line for line in pins if line.strip())


def test_the_run_lock_holds_every_dependency_and_the_test_lock_agrees():
    def pins(name: str) -> dict[str, str]:
        return dict(re.findall(r"^([a-z0-9_.-]+)==(\S+)", (ROOT / "requirements" / name).read_text(), re.MULTILINE))

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {re.split(r"[^a-z0-9_-]", each, maxsplit=1)[0] for each in project["dependencies"]}
    run, test = pins("run.txt"), pins("test.txt")
    assert wanted <= run.keys()
    assert run.items() <= test.items()


def test_every_bundled_picture_has_its_provenance_and_they_are_few_bytes():
    photos = ROOT / "photos"
    pictures = {path.name: path for path in photos.iterdir() if path.suffix not in {".md", ".py"}}
    rows = dict(
        re.findall(r"^\| `([^`]+)` \|.*`([0-9a-f]{64})` \|$", (photos / "PROVENANCE.md").read_text(), re.MULTILINE)
    )
    assert rows == {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in pictures.items()}
    assert sum(path.stat().st_size for path in pictures.values()) < 3_000_000
