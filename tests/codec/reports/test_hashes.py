"""Placeholders, against what other implementations say of the same samples."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from pictures import encoded, jpeg, scene
from PIL import Image
from reporting import said

from proxy.codec.reports.blur_hash import encode as blurhash
from proxy.codec.reports.thumb_hash import encode as thumbhash

Sample = Callable[[int, int, int, int], tuple[int, int, int, int]]


def weave(x: int, y: int, w: int, h: int) -> tuple[int, int, int, int]:
    return (x * 37 + y * 11) % 256, (y * 53 + x * y) % 256, (x * x + 3 * y) % 256, (x * 5 + y * 9) % 256


def slope(x: int, y: int, w: int, h: int) -> tuple[int, int, int, int]:
    return x * 255 // w, y * 255 // h, 128, 255


def rgb(sample: Sample, w: int, h: int) -> bytes:
    return b"".join(bytes(sample(x, y, w, h)[:3]) for y in range(h) for x in range(w))


def rgba(sample: Sample, w: int, h: int, *, alpha: bool) -> bytes:
    found = (sample(x, y, w, h) for y in range(h) for x in range(w))
    return b"".join(bytes((r, g, b, a if alpha else 255)) for r, g, b, a in found)


# By the package `blurhash` 1.1.5 of PyPI.
@pytest.mark.parametrize(
    ("sample", "size", "across", "down", "expected"),
    [
        (weave, (32, 32), 4, 3, "LGHLeysxSqs|wuaIotWFM#V{OWWG"), (weave, (32, 32), 1, 1, "00HLey"),
        (weave, (60, 40), 4, 3, "L6HV0Xxhirxh#RW7SaatiLWsnhV}"), (weave, (100, 7), 4, 3, "LKHL6+jVROop:^awR*bqhmVvaMi%"),
        (slope, (32, 32), 4, 3, "LxG[[y2swxX8l}WDjte;gJfjfQfj"), (slope, (60, 40), 4, 3, "LzHB|~2Y$5Sgl}azjtf7gJfjfQfj"),
        (slope, (100, 7), 4, 3, "L#HL0e2Y$5SgvDS3o1aze;fQfQfQ"),
    ],
)  # fmt: skip
def test_blurhash_agrees(sample: Sample, size: tuple[int, int], across: int, down: int, expected: str) -> None:
    assert blurhash(rgb(sample, *size), size[0], across, down) == expected


# By the package `thumbhash` 0.1.1 of npm, the author's own.
THUMBS = [
    ((32, 32), False, "XggGHwIgYshEd4l0d0ZoWIiE9a5rWp8N"),
    ((32, 32), True, "HwiCDQAXMHFoeZY6ee+XdvKbhoc7dRBLfQ=="),
    ((60, 40), False, "HwgCDYIhITIwRGaEhzd1g+/Lhtr3"),
    ((60, 40), True, "HwiCC4AXIhBgOMbfuGT49kiHh3eFcIM="),
    ((25, 100), False, "HwgGGgBlZQUzmGVnqpmv8sc="),
    ((25, 100), True, "HwiCCQAHd0YElHqXqm/Q5ICHd3YGeFc="),
    ((100, 7), False, "HSgGEYpFRFVwhhh2rIBw6Pc="),
    ((100, 7), True, "3SeCCYQoaEeAp4B7gGP454QwZ2eHd3c="),
]


@pytest.mark.parametrize(("size", "alpha", "expected"), THUMBS)
def test_thumbhash_agrees(size: tuple[int, int], alpha: bool, expected: str) -> None:
    assert base64.b64encode(thumbhash(rgba(weave, *size, alpha=alpha), *size)).decode() == expected


def test_one_colour_has_no_waves() -> None:
    body = thumbhash(rgba(lambda *_: (200, 60, 10, 255), 30, 20, alpha=False), 30, 20)
    assert set(body[5:]) == {0}


def test_a_file_is_hashed_as_its_samples_are() -> None:
    picture = Image.frombytes("RGB", (60, 40), rgb(weave, 60, 40))
    assert said(encoded(picture, "PNG"), "blurhash") == {
        "blurhash": "L6HV0Xxhirxh#RW7SaatiLWsnhV}", "width": 60, "height": 40,
    }  # fmt: skip
    clear = Image.frombytes("RGBA", (60, 40), rgba(weave, 60, 40, alpha=True))
    assert (
        said(encoded(clear, "PNG"), "thumbhash")["thumbhash"]
        == {(size, alpha): text for size, alpha, text in THUMBS}[(60, 40), True]
    )


@pytest.mark.parametrize("report", ["blurhash", "thumbhash"])
def test_a_picture_is_hashed_as_it_is_shown(report: str) -> None:
    turned = said(jpeg(300, 200, orientation=6), report)
    assert (turned["width"], turned["height"]) == (200, 300)
    upright = scene(300, 200).rotate(-90, expand=True)
    shown = said(encoded(upright, "PNG"), report)
    assert close(turned[report], shown[report])


def close(one: str, other: str) -> bool:
    """Most characters are the same: JPEG's losses move a few quantised numbers by one."""
    return sum(a != b for a, b in zip(one, other, strict=True)) <= len(one) / 3


@pytest.mark.parametrize(("across", "down"), [(1, 1), (9, 9), (1, 9), (9, 1)])
def test_components_decide_the_length(across: int, down: int) -> None:
    hashed = said(jpeg(300, 200), f"blurhash/x/{across}/y/{down}")["blurhash"]
    assert len(hashed) == 4 + 2 * across * down


def test_after_a_pipe_it_is_the_hash_of_the_result() -> None:
    body = jpeg(300, 200)
    assert said(body, "imageMogr2/flip/horizontal|thumbhash") != said(body, "thumbhash")
    assert said(body, "imageMogr2/crop/100x100|blurhash")["width"] == 100
