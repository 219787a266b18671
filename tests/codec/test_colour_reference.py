"""Colours against Pillow with Little CMS, which shares the engine with libvips but not the way there, on real files."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
import pyvips
from pictures import scene
from PIL import Image, ImageChops, ImageCms, ImageStat

from proxy.codec.vips import probe, render
from proxy.core.model import ImageLimits
from proxy.ports import Job

LIMITS = ImageLimits()
FILES = {
    "Display P3, version 4": "formats/jpeg_icc/gen__kodim03_displayp3_v4.jpg",
    "Display P3, version 2": "formats/jpeg_icc/gen__kodim07_displayp3_v2.jpg",
    "Display P3, a phone's": "photos/originals/p21_pixel6pro_ultrahdr_01.jpg",
    "Display P3, alpha": "formats/png/sharp__p3.png",
    "Adobe RGB": "formats/jpeg_icc/gen__kodim04_adobergb_v2.jpg",
    "Adobe RGB, Ghostscript's": "formats/jpeg/vips__sample.jpg",
    "ProPhoto": "formats/png/sharp__prophoto.png",
    "XYB, by tables": "formats/jpeg/vips__sample-xyb.jpg",
    "linear Rec. 2020": "formats/png_widegamut/jxltd__phu1or_alfann24_2020_g1.png",
    "grey": "formats/jpeg/sharp__concert.jpg",
    "AVIF": "formats/avif/pillow__icc_profile.avif",
}
SRGB = ImageCms.createProfile("sRGB")


def check_like_pillow(body: bytes) -> None:
    """Stripped of its profile *body* shows, in sRGB, what Pillow makes of it by its profile, within a level or so."""
    made = Image.open(
        io.BytesIO(
            render(body, probe(body, LIMITS), Job(plan_text="imageMogr2/strip", format="png", limits=LIMITS)).body
        )
    )
    assert "icc_profile" not in made.info
    source = Image.open(io.BytesIO(body))
    profile = ImageCms.ImageCmsProfile(io.BytesIO(source.info["icc_profile"]))
    colours = source.convert("RGB") if source.mode == "RGBA" else source
    wanted = ImageCms.profileToProfile(
        colours, profile, SRGB, renderingIntent=ImageCms.Intent.PERCEPTUAL, outputMode="RGB"
    )
    seen = source.getchannel("A").point(lambda level: 255 * (level > 250)) if source.mode == "RGBA" else None
    apart = ImageStat.Stat(ImageChops.difference(made.convert("RGB"), wanted), seen)
    # Wide linear numbers have 16 bits here and 8 in Pillow, which is the coarser one.
    assert max(apart.mean) < 1
    assert max(high for _, high in apart.extrema) <= 3


@pytest.mark.parametrize("path", FILES.values(), ids=FILES.keys())
def test_real_files_are_converted_as_pillow_does(path: str, needs_shared: Callable[[str], Path]) -> None:
    check_like_pillow(needs_shared(f"images/{path}").read_bytes())


@pytest.mark.parametrize("saver", ["jpegsave_buffer", "tiffsave_buffer"])
def test_ink_with_a_profile_is_converted_as_pillow_does(saver: str) -> None:
    picture = scene(160, 120)
    image = pyvips.Image.new_from_memory(picture.tobytes(), 160, 120, 3, "uchar").copy(interpretation="srgb")
    ink = image.icc_transform("cmyk", input_profile="srgb", intent="perceptual")
    options = {"Q": 95} if saver.startswith("jpeg") else {}
    check_like_pillow(getattr(ink, saver)(keep=pyvips.ForeignKeep.ICC, **options))
