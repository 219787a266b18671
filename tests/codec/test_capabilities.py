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
from proxy.codec import avif_sequence, avs2, libvips, pillow
from proxy.codec import capabilities as module
from proxy.codec.vips import capabilities
from proxy.core.model import Traits
from proxy.errors import InvalidImageFormat
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
    assert set(found.encode) < set(found.decode) <= set(CATALOGUE)
    assert set(found.animate) - {"tpg"} == {"apng", "avif", "gif", "webp"}
    assert "ico" in found.decode
    assert ("heif" in found.encode) == (pillow.heif is not None)
    assert ("jxl" in found.encode) == ("jxl" in found.decode) == (pillow.jxl is not None)
    for done in (found.encode, found.decode, found.animate):
        assert ("tpg" in done) == (avs2.program() is not None)


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
@pytest.mark.parametrize("broken", ["raises", "grey", "one frame"])
def test_what_does_not_come_back_as_it_was_is_not_said_to_be_read(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A codec may be there and do nothing, or the wrong thing."""

    def decode(body: bytes, traits: Traits, *, frames: int) -> libvips.Image:
        if traits.format != "avif":
            return decode_really(body, traits, frames=frames)
        if broken == "raises":
            raise InvalidImageFormat
        image = decode_really(body, traits, frames=1 if broken == "one frame" else frames)
        return image * 0 + 128 if broken == "grey" else image

    decode_really = module.decode
    monkeypatch.setattr(module, "decode", decode)
    found = capabilities()
    assert "avif" not in found.animate
    assert ("avif" in found.decode) == (broken == "one frame")
    assert "webp" in found.animate


@pytest.mark.usefixtures("afresh")
def test_a_format_whose_animations_cannot_be_written_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalogue promises them, and a plan is measured by the catalogue."""

    def save(*_: object, **__: object) -> bytes:
        raise InvalidImageFormat

    monkeypatch.setattr(avif_sequence, "save", save)
    found = capabilities()
    assert "avif" not in found.encode
    assert "avif" in found.decode


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
