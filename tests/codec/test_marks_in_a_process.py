"""Text and images laid on a picture by real codec processes, confined as they are on a server."""

from __future__ import annotations

from typing import Any

import pytest
from pictures import encoded, opened
from PIL import Image, ImageChops

from proxy.codec.pool import PROGRAM
from proxy.core.model import ImageLimits
from proxy.ops.encoded import encode_text
from proxy.ports import Job

LIMITS = ImageLimits()
GREY = encoded(Image.new("RGB", (300, 200), (100, 100, 100)), "PNG")


async def made(node: Any, text: str, *inputs: bytes, format_: str = "png", body: bytes = GREY) -> Image.Image:
    client = node.client()
    job = Job(plan_text=text, format=format_, limits=LIMITS, inputs=inputs)
    return opened((await client.render(body, await client.probe(body, LIMITS), job)).body)


def changed(picture: Image.Image) -> tuple[int, int, int, int] | None:
    """Left, top, right and bottom of what is not grey any more."""
    return ImageChops.difference(picture.convert("RGB"), opened(GREY)).getbbox()


async def test_text_is_drawn_without_writing_a_file_or_a_word(
    start_node: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    node = await start_node(1, program=PROGRAM)
    for text in ("Hello", "数据万象", "<b>&"):
        picture = await made(node, f"watermark/2/text/{encode_text(text)}/fontsize/30/fill/I0ZGMDAwMA")
        box = changed(picture)
        assert box is not None, text
        _, top, right, bottom = box
        assert (right, bottom) == (300, 200)
        assert 15 < bottom - top < 45
    assert node.pool.statistics().deaths == {}
    said = capfd.readouterr().err
    assert "ontconfig" not in said, said
    assert "Pango" not in said, said


async def test_other_pictures_are_laid_on_in_the_order_in_which_they_are_needed(start_node: Any) -> None:
    node = await start_node(1, program=PROGRAM)
    red, blue = (encoded(Image.new("RGB", (30, 20), colour), "PNG") for colour in ((255, 0, 0), (0, 0, 255)))
    stages = "watermark/1/image_key/YQ/dissolve/100/gravity/{}"
    plan = f"{stages.format('west')}|imageMogr2/flip/horizontal|{stages.format('west')}"
    picture = await made(node, plan, red, blue)
    assert picture.getpixel((290, 100)) == (255, 0, 0)
    assert picture.getpixel((10, 100)) == (0, 0, 255)
    assert picture.getpixel((150, 100)) == (100, 100, 100)


async def test_a_clear_part_of_a_mark_shows_the_picture_and_jpeg_stays_opaque(start_node: Any) -> None:
    node = await start_node(1, program=PROGRAM)
    half = Image.new("RGBA", (100, 60), (0, 200, 40, 0))
    half.paste((0, 200, 40, 255), (50, 0, 100, 60))
    mark = encoded(half, "PNG")
    picture = await made(node, "watermark/1/image_key/YQ/dissolve/100/gravity/northwest", mark, format_="jpeg")
    assert picture.mode == "RGB"
    assert picture.getpixel((10, 10)) == pytest.approx((100, 100, 100), abs=2)
    assert picture.getpixel((90, 10)) == pytest.approx((0, 200, 40), abs=3)


async def test_a_mark_that_is_no_picture_costs_its_job_alone(start_node: Any) -> None:
    node = await start_node(1, program=PROGRAM)
    with pytest.raises(Exception, match=r"libvips objected|broken"):
        await made(node, "watermark/1/image_key/YQ", b"no picture")
    assert (await made(node, "watermark/1/image_key/YQ", GREY)).size == (300, 200)
    assert node.pool.statistics().deaths == {}
