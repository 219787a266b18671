"""What a build can do is found by doing it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import proxy
from proxy import formats
from proxy.codec import capabilities as module
from proxy.codec import pillow
from proxy.codec.vips import capabilities
from proxy.formats import CATALOGUE, Encoding


@pytest.fixture
def afresh() -> object:
    """The answer is remembered; a test that changes the world must not leave its own."""
    capabilities.cache_clear()
    yield
    capabilities.cache_clear()


def test_this_build_reads_and_writes_what_it_says() -> None:
    found = capabilities()
    assert {"jpeg", "png", "webp", "avif", "gif", "tiff", "bmp"} <= set(found.encode)
    assert set(found.encode) - {"jxl"} < set(found.decode) <= set(CATALOGUE)
    assert "jxl" not in found.decode
    assert "ico" in found.decode
    assert ("heif" in found.encode) == (pillow.heif is not None)
    assert ("jxl" in found.encode) == (pillow.jxl is not None)


def test_the_answer_is_json() -> None:
    told = json.loads(json.dumps(capabilities().asdict()))
    assert told["encode"] == list(capabilities().encode)
    assert {"mogr", "libvips", "pyvips", "pillow"} <= set(told["versions"])
    assert re.fullmatch("[0-9a-f]{12}", told["policy"])


@pytest.mark.usefixtures("afresh")
def test_without_pillow_heif_there_is_no_heif(monkeypatch: pytest.MonkeyPatch) -> None:
    before = capabilities().policy
    capabilities.cache_clear()
    monkeypatch.setattr(pillow, "heif", None)
    assert "heif" not in capabilities().encode + capabilities().decode
    if "heif" in CATALOGUE and before:
        assert {"jpeg", "avif"} <= set(capabilities().encode)


@pytest.mark.usefixtures("afresh")
def test_the_policy_changes_with_what_changes_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    before = capabilities().policy
    capabilities.cache_clear()
    assert capabilities().policy == before
    capabilities.cache_clear()

    def other(name: str, encoding: Encoding) -> dict[str, object]:
        return formats.save_options(name, encoding) | ({"Q": 1} if name == "webp" else {})

    monkeypatch.setattr(module, "save_options", other)
    assert capabilities().policy != before


def test_loaders_that_nobody_named_are_blocked() -> None:
    """In a process of its own: even asked by name, libvips loads no table and no file of its own format."""
    program = """
import pyvips, proxy.codec.vips
for body in (b'P1 1 1 0', b'1,2,3'):
    try:
        pyvips.Image.new_from_buffer(body, "")
    except pyvips.Error:
        continue
    raise SystemExit("loaded " + repr(body))
try:
    pyvips.Image.rawload("/dev/zero", 1, 1, 1)
except pyvips.Error:
    raise SystemExit(0)
raise SystemExit("rawload is not blocked")
"""
    environment = {"PATH": os.defpath, "PYTHONPATH": str(Path(proxy.__file__).parents[1]), "VIPS_CONCURRENCY": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
