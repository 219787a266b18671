"""What is installed is none of the versions with known holes (security tests T25)."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from proxy.codec.versions import VERSIONS

# Part, and the first version that is as far as is known without what stands beside it.
LEAST = [
    (
        "libvips",
        "8.18.7",
        "CVE-2026-84383 in the libheif of older wheels: remote code execution; CVE-2026-33327 and others",
    ),
    ("pillow", "13.0", "CVE-2026-42311, -40192, -42309 in older ones"),
    ("pillow_libwebp", "1.3.2", "CVE-2023-4863: heap overflow, exploited"),
    ("pillow_libavif", "1.3.0", "CVE-2025-48174, -48175: overflows in sizes"),
    ("pillow_dav1d", "1.4.0", "CVE-2024-1580: overflow in frame sizes"),
    ("pillow_aom", "3.9.1", "CVE-2024-5171: overflow in allocations"),
    ("pillow_heif", "1.3.0", "CVE-2026-28231: reading past a buffer while encoding"),
    ("pillow_heif_libheif", "1.23.2", "CVE-2026-84383, -84384, -32882, -49271"),
    ("pillow_jxl_libjxl", "0.11.1", "CVE-2024-11403, -11498: out of bounds, stack exhaustion"),
]


def number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def too_old(versions: Mapping[str, str]) -> list[str]:
    return [
        f"{part} {versions[part]} is older than {least}: {why}"
        for part, least, why in LEAST
        if part in versions and number(versions[part]) < number(least)
    ]


def test_nothing_with_a_known_hole_is_installed() -> None:
    assert too_old(VERSIONS) == []


def test_the_list_would_find_one() -> None:
    assert len(too_old(dict(VERSIONS) | {"pillow_heif_libheif": "1.23.1", "libvips": "8.18.3"})) == 2


def test_every_part_that_reads_hostile_bytes_is_told() -> None:
    told = set(VERSIONS)
    assert {"libvips", "pillow", "pillow_libwebp", "pillow_libavif", "pillow_dav1d", "pillow_aom"} <= told
    for plugin, inside in (
        ("pillow_heif", "pillow_heif_libheif"),
        ("pillow_jxl", "pillow_jxl_libjxl"),
        ("imageio_ffmpeg", "imageio_ffmpeg_ffmpeg"),
    ):
        assert (plugin in told) == (inside in told)


@pytest.mark.parametrize("name", VERSIONS)
def test_a_name_can_be_the_label_of_a_metric(name: str) -> None:
    assert re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", name)
