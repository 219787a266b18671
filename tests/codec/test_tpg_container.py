"""TPG is taken apart as its samples are laid out, put together again, and believed in nothing."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.codec import tpg_container
from proxy.codec.tpg_container import Tpg
from proxy.errors import InvalidImageFormat

_SIDES = st.integers(1, tpg_container.MOST_SIDE_PX)
_PAYLOADS = st.binary(min_size=1, max_size=40)


@st.composite
def tpgs(draw: st.DrawFn) -> Tpg:
    animated = draw(st.booleans())
    frames = draw(st.integers(1, 5)) if animated else 1
    several = st.lists(_PAYLOADS, min_size=frames, max_size=frames).map(tuple)
    centiseconds = st.lists(st.integers(2, 65_535), min_size=frames, max_size=frames)
    return Tpg(
        width_px=draw(_SIDES),
        height_px=draw(_SIDES),
        pictures=draw(several),
        alphas=draw(st.just(()) | several),
        delays_ms=tuple(10 * delay for delay in draw(centiseconds)) if animated else (),
        exif=draw(st.none() | _PAYLOADS),
    )


@given(tpgs())
def test_what_is_written_is_read(tpg: Tpg) -> None:
    body = tpg_container.write(tpg)
    assert tpg_container.read(body) == tpg
    assert tpg_container.read(memoryview(body)) == tpg
    head = tpg_container.head(body)
    assert (head.width_px, head.height_px, head.frames) == (tpg.width_px, tpg.height_px, len(tpg.pictures))
    assert (head.animated, head.alpha) == (bool(tpg.delays_ms), bool(tpg.alphas))


@given(tpgs(), st.data())
def test_a_file_that_is_cut_short_is_broken_wherever_it_is_cut(tpg: Tpg, data: st.DataObject) -> None:
    body = tpg_container.write(tpg)
    with pytest.raises(InvalidImageFormat):
        tpg_container.read(body[: data.draw(st.integers(0, len(body) - 1))])


@given(tpgs(), st.data())
def test_any_damage_is_read_or_refused(tpg: Tpg, data: st.DataObject) -> None:
    body = bytearray(tpg_container.write(tpg))
    for at in data.draw(st.lists(st.integers(0, len(body) - 1), min_size=1, max_size=8)):
        body[at] = data.draw(st.integers(0, 255))
    try:
        found = tpg_container.read(bytes(body))
    except InvalidImageFormat:
        return
    assert len(found.pictures) == tpg_container.head(bytes(body)).frames


@given(st.binary(max_size=80))
def test_anything_behind_the_magic_is_read_or_refused(rest: bytes) -> None:
    with pytest.raises(InvalidImageFormat):
        tpg_container.read(tpg_container.MAGIC + rest)


def test_the_layout_is_that_of_the_samples() -> None:
    """Byte for byte as spec 07-tpg.md §4 shows; the header is that of Tencent's ``tpg.jpg``."""
    still = tpg_container.write(Tpg(width_px=960, height_px=540, pictures=(b"PP",), exif=b"MM\0*"))
    assert still == bytes.fromhex(
        "545047204156533242000001b9 000a 14 000003c0 00021c000001ba 00000008 4d4d002a000001bb 00000006 5050"
    )
    moving = Tpg(width_px=294, height_px=358, pictures=(b"A", b"B"), alphas=(b"C", b"D"), delays_ms=(80, 5000))
    assert tpg_container.write(moving) == bytes.fromhex(
        "545047204156533242"
        "000001b9 000d d4 00000126 000166 000002"
        "000001bb 00000007 0008 41" "000001bc 00000005 43"
        "000001bb 00000007 01f4 42" "000001bc 00000005 44"
    )  # fmt: skip


@pytest.mark.parametrize(("delay_ms", "kept_ms"), [(80, 80), (84, 80), (0, 100), (14, 100), (10**9, 655_350)])
def test_delays_are_centiseconds_and_short_ones_a_tenth_of_a_second(delay_ms: int, kept_ms: int) -> None:
    body = tpg_container.write(Tpg(width_px=1, height_px=1, pictures=(b"A",), delays_ms=(delay_ms,)))
    assert tpg_container.read(body).delays_ms == (kept_ms,)


def test_units_nobody_knows_and_bytes_behind_the_last_one_are_passed_over() -> None:
    tpg = Tpg(width_px=1, height_px=1, pictures=(b"A",))
    body = tpg_container.write(tpg)
    head = tpg_container.head(body)
    user_data = b"\x00\x00\x01\xbd" + struct.pack(">I", 7) + b"any"
    assert tpg_container.read(body[: head.end] + user_data + body[head.end :] + bytes(100)) == tpg


@pytest.mark.parametrize(
    "change",
    [
        {"width_px": 0}, {"height_px": 16_384}, {"pictures": ()}, {"pictures": (b"A", b"B")}, {"alphas": (b"A", b"B")},
        {"delays_ms": (80, 80)},
    ],
)  # fmt: skip
def test_what_no_file_can_hold_is_not_written(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"TPG|delays"):
        tpg_container.write(replace(Tpg(width_px=1, height_px=1, pictures=(b"A",)), **change))


@pytest.mark.parametrize("frames", [0, 2, 300, (1 << 24) - 1])
def test_a_wrong_number_of_frames_is_refused(frames: int) -> None:
    body = bytearray(tpg_container.write(Tpg(width_px=1, height_px=1, pictures=(b"A",), delays_ms=(80,))))
    body[23:26] = frames.to_bytes(3, "big")
    with pytest.raises(InvalidImageFormat):
        tpg_container.read(bytes(body))


def test_a_file_of_units_that_are_none_is_not_walked_to_its_end() -> None:
    """8 MB of empty units are a million; they are given up after a few."""
    body = tpg_container.write(Tpg(width_px=1, height_px=1, pictures=(b"A",)))
    empty = b"\x00\x00\x01\xbd\x00\x00\x00\x04"
    at = tpg_container.head(body).end
    seen: list[int] = []

    class Watched(bytes):
        def __getitem__(self, key: object) -> object:
            seen.append(1)
            return super().__getitem__(key)  # type: ignore[index]

    with pytest.raises(InvalidImageFormat):
        tpg_container.read(Watched(body[:at] + empty * 1_000_000 + body[at:]))
    assert len(seen) < 1000
