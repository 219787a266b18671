"""JPEG XL: its header is read before its pixels are, and its pixels come as other decoders show them."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import encoded, scene
from PIL import Image, ImageChops

from proxy.codec import jxl, jxl_header, pillow
from proxy.codec.vips import probe, render
from proxy.core.model import Frame, ImageLimits
from proxy.errors import ImageResolutionExceed, InvalidImageFormat
from proxy.ports import Job

LIMITS = ImageLimits()
needs_plugin = pytest.mark.skipif(pillow.jxl is None, reason="pillow-jxl-plugin is not installed")


def shown(body: bytes, format_: str = "png", text: str = "imageMogr2") -> Image.Image:
    result = render(body, probe(body, LIMITS), Job(plan_text=text, format=format_, limits=LIMITS))
    picture = Image.open(io.BytesIO(result.body))
    picture.load()
    return picture


def lossless(picture: Image.Image, **options: object) -> bytes:
    return encoded(picture, "JXL", lossless=True, **options)


@needs_plugin
@pytest.mark.parametrize("container", [False, True])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_pixels_come_as_they_were(mode: str, container: bool) -> None:
    picture = scene(70, 30).convert(mode)
    if mode.endswith("A"):
        picture.putalpha(Image.linear_gradient("L").resize((70, 30)))
    body = lossless(picture, use_container=container)
    assert probe(body, LIMITS).frame == Frame(width_px=70, height_px=30, alpha=mode.endswith("A"))
    assert ImageChops.difference(shown(body).convert(mode), picture).getbbox(alpha_only=False) is None


@needs_plugin
def test_grey_of_sixteen_bits_stays_so() -> None:
    picture = Image.frombytes("I;16", (32, 8), bytes(number % 251 for number in range(512)))
    image = jxl.load(lossless(picture))
    assert (image.format, image.interpretation) == ("ushort", "grey16")
    assert image.write_to_memory() == picture.tobytes()


@needs_plugin
def test_grey_of_floating_samples_is_told_by_its_bytes() -> None:
    image = jxl._image(struct.pack("<4f", 0.0, 0.5, 1.0, 2.0), 2, 2, 1)
    assert [image(x, y)[0] for y in range(2) for x in range(2)] == [0, 127, 255, 255]


@needs_plugin
def test_it_is_scaled_and_becomes_other_formats() -> None:
    body = encoded(scene(200, 100), "JXL", quality=90)
    for format_ in ("jpeg", "webp", "avif", "jxl"):
        assert shown(body, format_, "imageMogr2/thumbnail/50x").size == (50, 25)


@needs_plugin
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_picture_counts_and_comes_as_it_is_shown(orientation: int) -> None:
    """The bits of the header by hand: 8 x 2 Mpx of nothing would do, so it is a real picture, told to be turned."""
    header = jxl_header.read(turned(40, 24, orientation))
    assert (header.width_px, header.height_px) == ((40, 24) if orientation < 5 else (24, 40))


@needs_plugin
@pytest.mark.parametrize("offset", [b"", bytes(4), b"\0\0\0\2ab"])
def test_exif_of_the_container_is_kept_and_turns_nothing(offset: bytes) -> None:
    exif = Image.Exif()
    exif[0x8298] = "mogr"
    exif[0x0112] = 6
    said = offset + exif.tobytes().removeprefix(b"Exif\0\0")
    body = encoded(scene(40, 24), "JXL", exif=said, use_container=True)
    frame = probe(body, LIMITS).frame
    assert (frame.width_px, frame.height_px, frame.orientation) == (40, 24, 1)
    picture = shown(body, "jpeg")
    assert (picture.getexif()[0x8298], picture.getexif().get(0x0112, 1), picture.size) == ("mogr", 1, (40, 24))


@needs_plugin
def test_exif_that_we_write_is_where_readers_look() -> None:
    exif = Image.Exif()
    exif[0x8298] = "mogr"
    job = Job(plan_text="imageMogr2", format="jxl", limits=LIMITS)
    source = encoded(scene(40, 24), "JPEG", exif=exif)
    made = render(source, probe(source, LIMITS), job).body
    (box,) = [bytes(data) for kind, data in jxl_header.boxes(made) if kind == b"Exif"]
    assert box[:4] == bytes(4)
    assert box[4:8] in (b"II*\0", b"MM\0*")
    assert Image.open(io.BytesIO(made)).getexif()[0x8298] == "mogr"


@needs_plugin
def test_a_transcribed_jpeg_comes_as_pixels(tmp_path: Path) -> None:
    """Its JPEG would need all the checks of a JPEG once more."""
    source = tmp_path / "a.jpg"
    source.write_bytes(encoded(scene(64, 48), "JPEG", quality=85))
    with Image.open(source) as picture:
        body = encoded(picture, "JXL", lossless_jpeg=True)
    assert b"jbrd" in body
    decoded = shown(body).convert("RGB")
    with Image.open(source) as picture:
        differences = ImageChops.difference(decoded, picture.convert("RGB")).tobytes()
    assert sum(differences) / len(differences) < 1


@needs_plugin
def test_limits_are_checked_before_a_pixel_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    body = lossless(scene(70, 30))
    monkeypatch.setattr(pillow, "jxl", SimpleNamespace())  # without a decoder
    with pytest.raises(ImageResolutionExceed):
        probe(body, ImageLimits(max_pixels=70 * 30 - 1))
    with pytest.raises(ImageResolutionExceed):
        probe(body, ImageLimits(max_side_px=69))


@needs_plugin
@pytest.mark.parametrize("keep", [0.3, 0.6, 0.99])
def test_half_a_file_is_an_error(keep: float) -> None:
    body = lossless(scene(70, 30))
    cut = body[: int(len(body) * keep)]
    with pytest.raises(InvalidImageFormat):
        shown(cut)


def test_a_panic_of_the_plugin_is_the_pictures_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    panic = type("PanicException", (BaseException,), {})

    def decoder(*, num_threads: int) -> Callable[[bytes], object]:
        def decode(_: bytes) -> object:
            raise panic

        return decode

    monkeypatch.setattr(pillow, "jxl", SimpleNamespace(Decoder=decoder))
    with pytest.raises(InvalidImageFormat):
        jxl.load(turned(40, 24, 1))


def test_only_panics_are() -> None:
    with pytest.raises(KeyboardInterrupt), jxl._panics():
        raise KeyboardInterrupt


def test_without_the_plugin_it_is_no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pillow, "jxl", None)
    with pytest.raises(InvalidImageFormat):
        probe(turned(40, 24, 1), LIMITS)


class Writer:
    """The bits of a header, lowest first."""

    def __init__(self) -> None:
        self.number = self.count = 0

    def put(self, value: int, count: int) -> Writer:
        self.number |= value << self.count
        self.count += count
        return self

    def __bytes__(self) -> bytes:
        return self.number.to_bytes(-(-self.count // 8) + 8, "little")


def sized(width_px: int, height_px: int) -> Writer:
    bits = Writer().put(0x0AFF, 16).put(0, 1)
    bits.put(1, 2).put(height_px - 1, 13).put(0, 3)
    return bits.put(1, 2).put(width_px - 1, 13)


def turned(width_px: int, height_px: int, orientation: int) -> bytes:
    bits = sized(width_px, height_px).put(0, 1).put(1, 1).put(orientation - 1, 3).put(0, 3)
    return bytes(bits.put(0, 1).put(0, 2).put(1, 1).put(0, 2).put(1, 1).put(1, 1))


def test_a_header_with_everything_in_it_is_read() -> None:
    bits = sized(300, 200).put(0, 1).put(1, 1).put(0, 3)
    bits.put(1, 1).put(1, 1).put(3, 5).put(1, 3)  # an intrinsic size in eighths, square
    bits.put(1, 1).put(0, 1).put(0, 2).put(5, 6).put(0, 3).put(1, 2).put(7, 8)  # a preview
    bits.put(1, 1).put(2, 2).put(9, 10).put(0, 2).put(1, 2).put(3, 3).put(0, 1)  # an animation
    bits.put(1, 1).put(1, 2).put(4, 4).put(1, 1)  # floating samples
    bits.put(2, 2).put(1, 4)  # three more channels
    bits.put(0, 1).put(2, 2).put(0, 4).put(0, 1).put(0, 2).put(0, 2).put(0, 2).put(0, 64)  # a spot colour
    bits.put(0, 1).put(2, 2).put(3, 4).put(0, 1).put(3, 2).put(6, 6).put(3, 2).put(1, 3)
    bits.put(1, 2).put(2, 4).put(0x4141, 16).put(1, 2).put(1, 2)  # a colour filter, named AA
    bits.put(1, 1)  # alpha
    bits.put(0, 1).put(0, 1).put(0, 1).put(0, 2).put(1, 2).put(2, 2).put(9, 4)  # no XYB, primaries of BT.2100
    assert jxl_header.read(bytes(bits)) == jxl_header.JxlHeader(
        width_px=300, height_px=200, alpha=True, animated=True, srgb=False
    )


@pytest.mark.parametrize(("ratio", "width_px"), [(1, 64), (2, 76), (3, 85), (4, 96), (5, 113), (6, 80), (7, 128)])
def test_a_width_may_be_told_by_its_ratio(ratio: int, width_px: int) -> None:
    body = bytes(Writer().put(0x0AFF, 16).put(1, 1).put(7, 5).put(ratio, 3).put(1, 1))
    header = jxl_header.read(body)
    assert (header.width_px, header.height_px) == (width_px, 64)


def test_a_codestream_in_parts_is_put_together() -> None:
    plain = turned(40, 24, 6)
    boxed = b"\0\0\0\x0cJXL \r\n\x87\n" + b"\0\0\0\x14ftypjxl \0\0\0\0jxl "
    for number, part in enumerate((plain[:3], plain[3:])):
        boxed += (12 + len(part)).to_bytes(4, "big") + b"jxlp" + number.to_bytes(4, "big") + part
    assert jxl_header.codestream(boxed) == plain
    assert jxl_header.read(boxed) == jxl_header.read(plain)


@given(st.binary(max_size=200), st.sampled_from([b"", b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"]))
def test_whatever_a_header_claims_reading_it_ends(body: bytes, start: bytes) -> None:
    try:
        header = jxl_header.read(start + body)
    except InvalidImageFormat:
        return
    assert header.width_px >= 0
    jxl_header.exif(start + body)


def test_headers_agree_with_the_decoder(needs_shared: Callable[[str], Path]) -> None:
    if pillow.jxl is None:
        pytest.skip("pillow-jxl-plugin is not installed")
    for path in sorted(needs_shared("images/formats/jxl").iterdir()):
        body = path.read_bytes()
        image = jxl.load(body)
        header = jxl_header.read(body)
        assert (image.width, image.height, bool(image.hasalpha())) == (header.width_px, header.height_px, header.alpha)
