"""TPG as users meet it: every class of picture there and back, and broken ones refused; needs the extra ``tpg``."""

from __future__ import annotations

import io
import random
import struct
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from pictures import animated, encoded, jpeg, opened, png, scene, tpg_frames
from PIL import Image, ImageChops, ImageStat

from proxy.codec import avs2, tpg_container
from proxy.codec.vips import probe, render
from proxy.core.model import ImageLimits
from proxy.errors import ImageResolutionExceed, InvalidImageFormat
from proxy.ports import Job, Rendered

pytestmark = pytest.mark.skipif(avs2.program() is None, reason="needs imageio-ffmpeg: pip install mogr[tpg]")
LIMITS = ImageLimits()
ROOT = Path(__file__).resolve().parents[2]


def made(body: bytes, format_: str, text: str = "imageMogr2/quality/90!") -> Rendered:
    return render(body, probe(body, LIMITS), Job(plan_text=text, format=format_, limits=LIMITS))


def apart(one: Image.Image, other: Image.Image) -> float:
    """The mean difference of their samples, in the worst band."""
    mode = "RGBA" if "A" in one.getbands() or "A" in other.getbands() else "RGB"
    return max(ImageStat.Stat(ImageChops.difference(one.convert(mode), other.convert(mode))).mean)


def frames_of(body: bytes) -> list[Image.Image]:
    picture = Image.open(io.BytesIO(body))
    frames = []
    for number in range(getattr(picture, "n_frames", 1)):
        picture.seek(number)
        frames.append(picture.convert("RGBA"))
    return frames


def gliding(frames: int, *, alpha: bool) -> bytes:
    """A WebP that loses nothing, of a scene that moves."""
    whole = scene(240, 160)
    pages = [whole.crop((5 * n, 3 * n, 5 * n + 150, 3 * n + 90)) for n in range(frames)]
    for page in pages if alpha else ():
        page.putalpha(Image.linear_gradient("L").resize(page.size))
    return encoded(
        pages[0], "WEBP", save_all=True, append_images=pages[1:], duration=[80, 120, 40, 500][:frames], lossless=True
    )


@pytest.mark.parametrize("side_px", [(1, 1), (9, 2), (2, 31), (63, 64), (65, 129), (257, 100)])
@pytest.mark.parametrize("alpha", [False, True])
def test_a_still_picture_of_any_size_comes_back(side_px: tuple[int, int], alpha: bool) -> None:
    source = png(*side_px, alpha=alpha)
    there = made(source, "tpg")
    traits = probe(there.body, LIMITS)
    assert (traits.format, traits.frame.width_px, traits.frame.height_px) == ("tpg", *side_px)
    back = opened(made(there.body, "png").body)
    assert back.size == side_px
    assert ("A" in back.getbands()) == traits.frame.alpha
    # Two ways to the same pixels: ours, and Pillow's of the samples.
    assert apart(back, opened(there.body)) <= 2
    if min(side_px) > 60:
        assert apart(opened(source), back) < 10  # most of it from sharp colours at half the resolution


def test_colours_are_those_of_the_source() -> None:
    patches = Image.new("RGB", (8, 1))
    colours = [
        (0, 0, 0),
        (255, 255, 255),
        (255, 0, 0),
        (0, 255, 0),
        (0, 0, 255),
        (128, 128, 128),
        (200, 30, 90),
        (9, 99, 199),
    ]
    patches.putdata(colours)
    source = patches.resize((512, 64), Image.Resampling.NEAREST)
    back = opened(made(made(encoded(source, "PNG"), "tpg").body, "png").body).convert("RGB")
    for number, colour in enumerate(colours):
        assert back.getpixel((64 * number + 32, 32)) == pytest.approx(colour, abs=5)


@pytest.mark.parametrize("alpha", [False, True])
def test_an_animation_comes_back_with_its_frames_and_times(alpha: bool) -> None:
    source = gliding(4, alpha=alpha)
    there = made(source, "tpg")
    assert (there.frame.frames, probe(there.body, LIMITS).frame.frames) == (4, 4)
    assert tpg_container.read(there.body).delays_ms == (80, 120, 40, 500)
    back = made(there.body, "apng").body
    for before, between, after in zip(frames_of(source), tpg_frames(there.body), frames_of(back), strict=True):
        assert apart(before, after) < 8
        assert apart(between, after) < 2
    assert opened(back).info["duration"] == 80


def test_gif_becomes_tpg_and_tpg_becomes_gif() -> None:
    there = made(animated(120, 80, 5), "tpg")
    back = Image.open(io.BytesIO(made(there.body, "gif").body))
    assert (back.size, back.n_frames, back.info["duration"]) == ((120, 80), 5, 50)


def test_the_first_frame_alone_becomes_a_jpeg() -> None:
    source = gliding(3, alpha=False)
    assert apart(opened(made(made(source, "tpg").body, "jpeg").body), frames_of(source)[0]) < 10


def test_moving_pictures_cost_less_than_as_many_still_ones() -> None:
    one, four = (len(made(gliding(frames, alpha=False), "tpg").body) for frames in (1, 4))
    assert four < 3 * one


def test_transparency_is_fine_and_what_is_opaque_has_none() -> None:
    source = png(96, 64, alpha=True)
    alpha = opened(made(made(source, "tpg", "imageMogr2/quality/50!").body, "png").body).getchannel("A")
    assert apart(alpha.convert("RGB"), opened(source).getchannel("A").convert("RGB")) < 2
    opaque = encoded(scene(96, 64).convert("RGBA"), "PNG")
    assert not probe(made(opaque, "tpg").body, LIMITS).frame.alpha


def test_the_alpha_of_a_still_picture_lies_as_in_the_samples_of_tencent() -> None:
    """One stream: the header and the picture, then a picture more and the end."""
    tpg = tpg_container.read(made(png(96, 64, alpha=True), "tpg").body)
    starts = [piece[:4] for piece in tpg.streams]
    assert starts == [b"\x00\x00\x01\xb0", b"\x00\x00\x01\xb3"]
    assert [piece.endswith(b"\x00\x00\x01\xb1") for piece in tpg.streams] == [False, True]


def test_less_quality_is_fewer_bytes_and_farther_away() -> None:
    source = jpeg(320, 200, quality=95)
    results = [made(source, "tpg", f"imageMogr2/quality/{quality}!").body for quality in (0, 30, 60, 80, 100)]
    assert sorted(map(len, results)) == list(map(len, results))
    away = [apart(opened(result), opened(source)) for result in results]
    assert away == sorted(away, reverse=True)


def test_encoding_twice_makes_the_same_bytes() -> None:
    """Replicas share entity tags."""
    source = gliding(3, alpha=True)
    assert made(source, "tpg").body == made(source, "tpg").body


@pytest.mark.parametrize("size_px", [(64, 64), (9, 200), (300, 200)])
def test_noise_at_the_best_quality_is_written_all_the_same(size_px: tuple[int, int]) -> None:
    """xavs2 crashes on it; it is encoded coarser."""
    noise = Image.frombytes("RGB", size_px, random.Random(1).randbytes(size_px[0] * size_px[1] * 3))
    there = made(encoded(noise, "PNG"), "tpg", "imageMogr2/quality/100!")
    assert opened(made(there.body, "png").body).size == size_px


def test_exif_is_kept_upright_and_strip_drops_it() -> None:
    source = jpeg(64, 32, orientation=6)
    there = made(source, "tpg")
    assert (there.frame.width_px, there.frame.height_px) == (32, 64)
    assert opened(there.body).getexif().get(0x0112) == 1
    assert tpg_container.read(made(source, "tpg", "imageMogr2/strip").body).exif is None


def test_an_orientation_in_the_file_is_heeded() -> None:
    tpg = tpg_container.read(made(png(96, 64), "tpg").body)
    exif = b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)
    turned = tpg_container.write(
        tpg_container.Tpg(width_px=96, height_px=64, pictures=tpg.pictures, delays_ms=(), exif=exif)
    )
    assert probe(turned, LIMITS).frame.orientation == 6
    assert opened(made(turned, "png", "imageMogr2/auto-orient").body).size == (64, 96)


@pytest.mark.parametrize("text", ["imageMogr2/thumbnail/9000x100!", "imageMogr2/thumbnail/100x4700!"])
def test_what_the_encoder_cannot_hold_is_refused_beforehand(text: str) -> None:
    with pytest.raises(ImageResolutionExceed):
        made(jpeg(64, 32), "tpg", text)


def test_a_claimed_size_is_checked_before_anything_is_decoded() -> None:
    tpg = tpg_container.read(made(png(64, 64), "tpg").body)
    for limits, size_px in ((ImageLimits(max_side_px=1000), (1001, 64)), (ImageLimits(max_pixels=10_000), (128, 128))):
        claimed = tpg_container.Tpg(width_px=size_px[0], height_px=size_px[1], pictures=tpg.pictures)
        with pytest.raises(ImageResolutionExceed):
            probe(tpg_container.write(claimed), limits)
    frames = tpg_container.Tpg(width_px=64, height_px=64, pictures=tpg.pictures * 301, delays_ms=(80,) * 301)
    with pytest.raises(ImageResolutionExceed):
        probe(tpg_container.write(frames), LIMITS)


def test_a_stream_larger_than_the_container_says_is_never_decoded() -> None:
    large = tpg_container.read(made(png(512, 512), "tpg").body)
    small = tpg_container.Tpg(width_px=64, height_px=64, pictures=large.pictures)
    with pytest.raises(InvalidImageFormat):
        probe(tpg_container.write(small), LIMITS)


def claiming(side_px: int) -> bytes:
    """64 x 64 pixels of which container and stream say that they are more."""
    (piece,) = tpg_container.read(made(png(64, 64), "tpg").body).pictures
    # The sequence header: 18 bits, width and height in 14 bits each, 18 of what follows.
    bits = int.from_bytes(piece[4:12], "big")
    said = bits >> 46 << 46 | side_px << 32 | side_px << 18 | bits & (1 << 18) - 1
    piece = piece[:4] + said.to_bytes(8, "big") + piece[12:]
    return tpg_container.write(tpg_container.Tpg(width_px=side_px, height_px=side_px, pictures=(piece,)))


def test_a_size_that_container_and_stream_claim_costs_no_memory(tmp_path: Path) -> None:
    """225 megapixels, within the limits: what a decoder may reserve is bounded, and nothing is for what it does not make."""
    path = tmp_path / "claims.tpg"
    path.write_bytes(claiming(15_000))
    program = f"""
import re, resource
from pathlib import Path
from proxy.codec import avs2, vips
from proxy.core.model import ImageLimits
from proxy.errors import InvalidImageFormat
from proxy.ports import Job
body, limits = Path({str(path)!r}).read_bytes(), ImageLimits()
traits = vips.probe(body, limits)
print(traits.frame.width_px, traits.frame.height_px)
try:
    vips.render(body, traits, Job(plan_text="imageMogr2/thumbnail/100x100", format="png", limits=limits))
except InvalidImageFormat:
    print("refused")
avs2._held.close()
# What getrusage tells of a process itself counts in who started it.
ours_kib = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
print(max(ours_kib, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, cwd=ROOT, timeout=120)
    size, refused, most_kib = said.stdout.decode().split("\n")[:3]
    assert (size, refused) == ("15000 15000", "refused")
    assert int(most_kib) < 300_000


def test_what_a_stream_does_not_bring_stays_empty() -> None:
    """As with a JPEG that is cut short."""
    assert opened(made(claiming(256), "png").body).size == (256, 256)


@pytest.mark.parametrize("seed", range(12))
def test_bytes_that_changed_make_another_picture_or_an_error(seed: int) -> None:
    chance = random.Random(seed)
    body = bytearray(made(gliding(2, alpha=True) if seed % 2 else png(96, 64, alpha=True), "tpg").body)
    for _ in range(chance.choice((1, 3, 20))):
        body[chance.randrange(40, len(body))] = chance.randrange(256)
    with suppress(InvalidImageFormat, ImageResolutionExceed):
        made(bytes(body), "png")


def test_garbage_in_place_of_a_picture_is_a_broken_picture() -> None:
    tpg = tpg_container.read(made(png(96, 64), "tpg").body)
    start = tpg.pictures[0].index(b"\x00\x00\x01\xb3")
    for tail in (b"", bytes(10), b"\xff" * 200):
        piece = tpg.pictures[0][: start + 4] + tail
        body = tpg_container.write(tpg_container.Tpg(width_px=96, height_px=64, pictures=(piece,)))
        with pytest.raises(InvalidImageFormat):
            made(body, "png")
