"""Metadata: all of it, the colours, or nothing; and the copyright alone where the bucket wants it kept."""

from __future__ import annotations

import io
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import encoded, opened, scene
from PIL import Image

from proxy.codec import pillow
from proxy.codec.metadata import rights_only
from proxy.codec.vips import capabilities, probe, render
from proxy.core.model import ImageLimits
from proxy.ports import Job

LIMITS = ImageLimits()
ARTIST, COPYRIGHT, GPS, DESCRIPTION, ORIENTATION = 0x013B, 0x8298, 0x8825, 0x010E, 0x0112
WHOSE = "© 2024 Jürgen Müller, alle Rechte vorbehalten".encode()
WHO = "Jürgen Müller".encode()
HOLDING = [name for name in ("jpeg", "png", "webp", "avif", "heif") if name in capabilities().encode]
"""Formats that hold EXIF here."""


def block(entries: dict[int, tuple[int, bytes]], order: str = "<") -> bytes:
    """An EXIF block with one directory, entry by entry: tag, type and value."""
    place = 8 + 2 + 12 * len(entries) + 4
    directory, values = b"", b""
    for tag, (kind, value) in sorted(entries.items()):
        count = len(value) // {3: 2, 4: 4}.get(kind, 1)
        where = value.ljust(4, b"\0") if len(value) <= 4 else struct.pack(order + "I", place + len(values))
        directory += struct.pack(order + "HHI", tag, kind, count) + where
        values += value if len(value) > 4 else b""
    head = b"II*\0" if order == "<" else b"MM\0*"
    count = struct.pack(order + "IH", 8, len(entries))
    return b"Exif\0\0" + head + count + directory + bytes(4) + values


def photographed(format_: str = "JPEG", orientation: int = 1) -> bytes:
    """A picture with a position, a description and an owner."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[DESCRIPTION] = "a description"
    exif[ARTIST] = WHO.decode("latin-1")
    exif[GPS] = {1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)}
    written = exif.tobytes()
    # Pillow writes ASCII only.
    entries = {
        ARTIST: (2, WHO + b"\0"),
        COPYRIGHT: (2, WHOSE + b"\0"),
        ORIENTATION: (3, struct.pack("<H", orientation)),
    }
    return encoded(
        scene(64, 32),
        format_,
        exif=block({**entries, DESCRIPTION: (2, b"a description\0")}) if format_ == "JPEG" else written,
    )


def made(body: bytes, text: str, format_: str, **options: Any) -> bytes:
    return render(body, probe(body, LIMITS), Job(plan_text=text, format=format_, limits=LIMITS, **options)).body


def tags(body: bytes) -> dict[int, Any]:
    if probe(body, LIMITS).format == "heif":
        exif = Image.Exif()
        exif.load(pillow.heif.open_heif(body).info.get("exif") or b"")
    else:
        exif = opened(body).getexif()
    return {**exif, **dict(exif.get_ifd(GPS))}


@pytest.mark.parametrize("format_", HOLDING)
@pytest.mark.parametrize(("text", "auto"), [("strip", False), ("thumbnail/32x/strip", False), ("format/auto", True)])
def test_the_copyright_is_all_that_is_kept_where_it_is_to_be(format_: str, text: str, auto: bool) -> None:
    body = photographed(orientation=6)
    kept = made(body, f"imageMogr2/{text}", format_, auto=auto, keep_copyright=True)
    assert WHOSE in kept
    assert WHO in kept
    assert b"a description" not in kept
    assert tags(kept).get(ORIENTATION, 1) == 1
    dropped = made(body, f"imageMogr2/{text}", format_, auto=auto)
    assert WHO not in dropped
    assert not tags(dropped)
    assert opened_size(kept) == opened_size(dropped)


def opened_size(body: bytes) -> tuple[int, int]:
    frame = probe(body, LIMITS).frame
    return frame.width_px, frame.height_px


@pytest.mark.parametrize("format_", HOLDING)
@pytest.mark.parametrize("keep_copyright", [True, False])
def test_strip_drops_where_a_picture_was_taken(format_: str, keep_copyright: bool) -> None:
    exif = Image.Exif()
    exif[COPYRIGHT] = "somebody"
    exif[GPS] = {1: "N", 2: (52.0, 31.0, 12.0)}
    body = encoded(scene(64, 32), "JPEG", exif=exif)
    assert tags(made(body, "imageMogr2/thumbnail/32x", format_))[1] == "N"
    stripped = tags(made(body, "imageMogr2/strip", format_, keep_copyright=keep_copyright))
    assert (COPYRIGHT in stripped) is keep_copyright
    assert not stripped.keys() & {GPS, 1, 2}


@pytest.mark.parametrize("format_", HOLDING)
def test_nothing_is_made_up_where_there_is_no_copyright(format_: str) -> None:
    exif = Image.Exif()
    exif[DESCRIPTION] = "a description"
    body = encoded(scene(64, 32), "JPEG", exif=exif)
    assert not tags(made(body, "imageMogr2/strip", format_, keep_copyright=True))
    assert not tags(made(encoded(scene(64, 32), "PNG"), "imageMogr2/strip", format_, keep_copyright=True))


@pytest.mark.parametrize("format_", HOLDING)
def test_without_strip_the_setting_changes_nothing(format_: str) -> None:
    body = photographed()
    assert made(body, "imageMogr2/thumbnail/32x", format_, keep_copyright=True) == made(
        body, "imageMogr2/thumbnail/32x", format_
    )


@pytest.mark.parametrize("source", [name for name in ("PNG", "WEBP", "AVIF", "HEIF") if name.lower() in HOLDING])
def test_the_copyright_is_found_in_whatever_holds_it(source: str) -> None:
    exif = Image.Exif()
    exif[COPYRIGHT] = "somebody"
    picture = scene(64, 32)
    if source == "HEIF":
        out = io.BytesIO()
        pillow.heif.from_pillow(picture).save(out, exif=exif.tobytes())
        body = out.getvalue()
    else:
        body = encoded(picture, source, exif=exif)
    assert tags(made(body, "imageMogr2/strip", "jpeg", keep_copyright=True))[COPYRIGHT] == "somebody"


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_tags_come_out_as_they_are(order: str) -> None:
    entries = {
        ARTIST: (2, WHO + b"\0"),
        COPYRIGHT: (129, b"Photographer\0Editor\0"),
        DESCRIPTION: (2, b"secret text\0"),
    }
    wanted = {ARTIST: (2, WHO + b"\0"), COPYRIGHT: (2, b"Photographer\0Editor\0")}
    found = rights_only(block(entries, order))
    assert found is not None
    loaded = Image.Exif()
    loaded.load(found)
    assert set(loaded) == set(wanted)
    assert WHO in found
    assert b"Photographer\0Editor\0" in found
    assert b"secret" not in found
    assert rights_only(found) == found


@pytest.mark.parametrize(
    "exif",
    [
        b"", b"Exif\0\0", b"II*\0", b"II*\0\x08\0\0\0", b"II*\0\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff",
        block({}), block({DESCRIPTION: (2, b"something\0")}), block({COPYRIGHT: (2, b"\0")}),
        block({COPYRIGHT: (2, b"     \0")}), block({COPYRIGHT: (4, b"12345678")}), block({COPYRIGHT: (2, b"x" * 5000)}),
        block({COPYRIGHT: (2, b"some name\0")})[:-3],
    ],
)  # fmt: skip
def test_what_says_nothing_of_rights_leaves_nothing(exif: bytes) -> None:
    assert rights_only(exif) is None


def test_an_entry_cut_short_does_not_cost_the_one_before() -> None:
    whole = block({ARTIST: (2, b"me\0"), COPYRIGHT: (2, b"a name\0")})
    assert rights_only(whole[: 6 + 8 + 2 + 12 + 5]) == block({ARTIST: (2, b"me\0")})


@given(st.binary(max_size=200) | st.binary(max_size=80).map(lambda noise: b"MM\0*\0\0\0\x08" + noise))
def test_noise_is_read_without_an_error_and_never_grows(noise: bytes) -> None:
    found = rights_only(noise)
    assert found is None or len(found) <= 2 * len(noise) + 60
