from __future__ import annotations

import io

import pytest
from pictures import encoded, jpeg, scene
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational
from reporting import said

from proxy.codec import pillow
from proxy.core.model import ImageLimits


def written(format_: str = "JPEG") -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Caxxon (x)"
    exif[ExifTags.Base.Model] = "Model, (1), ASCII"
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.XPTitle] = "题目".encode("utf-16-le") + b"\0\0"
    exif[0xC123] = 7
    own = exif.get_ifd(ExifTags.IFD.Exif)
    own[ExifTags.Base.ExposureTime] = IFDRational(1, 60)
    own[ExifTags.Base.FNumber] = IFDRational(28, 10)
    own[ExifTags.Base.ExifVersion] = b"0232"
    own[ExifTags.Base.ComponentsConfiguration] = b"\1\2\3\0"
    own[ExifTags.Base.UserComment] = b"ASCII\0\0\0seen by me\0\0"
    own[ExifTags.Base.MakerNote] = bytes(1000)
    place = exif.get_ifd(ExifTags.IFD.GPSInfo)
    place[ExifTags.GPS.GPSLatitudeRef] = "N"
    place[ExifTags.GPS.GPSLatitude] = (IFDRational(22, 1), IFDRational(32, 1), IFDRational(115, 10))
    # Pillow writes ASCII alone; cameras write UTF-8.
    block = exif.tobytes().replace(b"Caxxon", "Cañon".encode())
    return encoded(scene(64, 48), format_, exif=block)


EXPECTED = {
    "Make": "Cañon (x)", "Model": "Model, (1), ASCII", "Orientation": "6", "XPTitle": "题目", "0xc123": "7",
    "ExposureTime": "1/60", "FNumber": "14/5", "ExifVersion": "0232", "ComponentsConfiguration": "1, 2, 3, 0",
    "UserComment": "seen by me", "GPSLatitudeRef": "N", "GPSLatitude": "22, 32, 23/2",
}  # fmt: skip


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_tags_of_the_picture_the_shot_and_the_place(format_: str) -> None:
    values = {name: each["val"] for name, each in said(written(format_), "exif").items()}
    if format_ == "TIFF":
        values["Make"] = EXPECTED["Make"]  # Pillow writes it anew, in ASCII
    assert values.items() >= EXPECTED.items()
    assert "MakerNote" not in values
    assert not values.keys() & {"ExifOffset", "GPSInfo", "StripOffsets"}


@pytest.mark.skipif(pillow.heif is None, reason="pillow-heif is not installed")
def test_heic_has_tags_too() -> None:
    pillow.heif.register_heif_opener()
    assert said(written("HEIF"), "exif")["Model"] == {"val": EXPECTED["Model"]}


@pytest.mark.parametrize("body", [jpeg(64, 48), encoded(scene(64, 48), "PNG"), encoded(scene(64, 48), "GIF")])
def test_a_picture_without_says_so(body: bytes) -> None:
    assert said(body, "exif") == {"error": "no exif data"}


def test_after_a_pipe_it_is_what_the_result_has() -> None:
    kept = said(written(), "imageMogr2/auto-orient/thumbnail/32x|exif")
    assert (kept["Orientation"]["val"], kept["Model"]["val"]) == ("1", EXPECTED["Model"])
    assert said(written(), "imageMogr2/strip|exif") == {"error": "no exif data"}


def test_a_block_of_nonsense_is_an_answer_or_a_broken_picture_but_no_bug() -> None:
    from proxy.codec import vips
    from proxy.errors import InvalidImageFormat

    whole = written()
    at = whole.index(b"Exif\0\0") + 6
    for offset in range(0, 240, 3):
        body = bytearray(whole)
        body[at + offset] ^= 0xFF
        try:
            assert said(bytes(body), "exif")
        except InvalidImageFormat:
            vips.probe(bytes(body), ImageLimits())


def test_a_long_value_is_cut_short() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.StripOffsets] = tuple(range(10))
    exif[0xC999] = tuple(range(1000))
    out = io.BytesIO()
    scene(16, 16).save(out, "PNG", exif=exif)
    value = said(out.getvalue(), "exif")["0xc999"]["val"]
    assert value.startswith("0, 1, 2, ")
    assert value.endswith(", 63, …")
