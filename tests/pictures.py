"""Small pictures made on the spot, through Pillow: the code under test uses libvips, so neither judges itself."""

from __future__ import annotations

import io
import random
from functools import cache

from PIL import Image, ImageDraw, ImageFilter

from proxy.codec import avs2, avs2_stream, tpg_container


def scene(width_px: int, height_px: int, seed: int = 0) -> Image.Image:
    """Something photograph-like: gradients, shapes and a little noise."""
    dice = random.Random(seed)
    small = Image.new("RGB", (8, 8))
    small.putdata([tuple(dice.randrange(256) for _ in range(3)) for _ in range(64)])
    picture = small.resize((width_px, height_px), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(picture)
    for _ in range(12):
        x, y = dice.randrange(width_px), dice.randrange(height_px)
        r = dice.randrange(1, max(2, min(width_px, height_px) // 4))
        pen.ellipse((x - r, y - r, x + r, y + r), fill=tuple(dice.randrange(256) for _ in range(3)))
    return picture


def encoded(picture: Image.Image, format_: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format_, **options)
    return buffer.getvalue()


@cache
def jpeg(width_px: int = 960, height_px: int = 540, *, quality: int = 80, orientation: int = 1, seed: int = 0) -> bytes:
    exif = Image.Exif()
    if orientation != 1:
        exif[0x0112] = orientation
    return encoded(scene(width_px, height_px, seed), "JPEG", quality=quality, exif=exif)


@cache
def png(width_px: int = 960, height_px: int = 540, *, alpha: bool = False) -> bytes:
    picture = scene(width_px, height_px)
    if alpha:
        picture = picture.convert("RGBA")
        mask = Image.new("L", picture.size, 255)
        ImageDraw.Draw(mask).rectangle((0, 0, width_px // 2, height_px // 2), fill=0)
        picture.putalpha(mask)
    return encoded(picture, "PNG")


@cache
def animated(width_px: int = 200, height_px: int = 100, frames: int = 5, format_: str = "GIF") -> bytes:
    pages = []
    for number in range(frames):
        page = Image.new("RGB", (width_px, height_px), (number * 255 // frames, 80, 255 - number * 255 // frames))
        ImageDraw.Draw(page).rectangle((number % width_px, 0, number % width_px + 9, 9), fill=(255, 255, 255))
        pages.append(page)
    return encoded(pages[0], format_, save_all=True, append_images=pages[1:], duration=50, loop=0)


def opened(body: bytes) -> Image.Image:
    if body.startswith(tpg_container.MAGIC):
        return tpg_frames(body)[0]
    picture = Image.open(io.BytesIO(body))
    picture.load()
    return picture


def tpg_frames(body: bytes) -> list[Image.Image]:
    """The frames of a TPG, whose colours Pillow converts: samples of BT.601 stretched from limited to full range."""
    tpg = tpg_container.read(body)
    stream, width_px, height_px = avs2_stream.playable(tpg.streams)
    raw = avs2.decode(stream, width_px, height_px, len(tpg.streams))
    luma_bytes = width_px * height_px
    pictures = []
    for at in range(0, len(raw), luma_bytes * 3 // 2):
        planes = [Image.frombytes("L", (width_px, height_px), raw[at : at + luma_bytes])]
        for start in (at + luma_bytes, at + luma_bytes * 5 // 4):
            half = Image.frombytes("L", (width_px // 2, height_px // 2), raw[start : start + luma_bytes // 4])
            planes.append(half.resize((width_px, height_px), Image.Resampling.BILINEAR))
        pictures.append(planes)
    frames = []
    for number in range(len(tpg.pictures)):
        luma, *chroma = pictures[number if tpg.alpha_apart or not tpg.alphas else 2 * number]
        bands = [luma.point(lambda level: (level - 16) * 255 / 219)]
        bands += [band.point(lambda level: (level - 128) * 255 / 224 + 128) for band in chroma]
        frame = Image.merge("YCbCr", bands).convert("RGB")
        if tpg.alphas:
            frame.putalpha(pictures[len(tpg.pictures) + number if tpg.alpha_apart else 2 * number + 1][0])
        frames.append(frame.crop((0, 0, tpg.width_px, tpg.height_px)))
        if tpg.exif:
            frames[-1].info["exif"] = b"Exif\0\0" + tpg.exif
    return frames


@cache
def portrait(width_px: int = 960, height_px: int = 540, *, left_px: int = 600, side_px: int = 200) -> bytes:
    """A JPEG of a drawn face that lies *left_px* from the left and is about *side_px* wide."""
    picture = Image.new("RGB", (width_px, height_px), (90, 110, 90))
    pen = ImageDraw.Draw(picture)
    unit = side_px / 1.6
    x, y = left_px + side_px / 2, height_px / 2

    def ellipse(across: float, down: float, width: float, height: float, colour: tuple[int, int, int]) -> None:
        middle = (x + across * unit, y + down * unit)
        corners = [middle[axis] + sign * half * unit for sign in (-1, 1) for axis, half in enumerate((width, height))]
        pen.ellipse(corners, fill=colour)

    ellipse(0, -0.08, 1.05, 1.38, (50, 35, 25))  # hair
    ellipse(0, 0.08, 0.85, 1.17, (215, 175, 150))
    for side in (-0.38, 0.38):
        ellipse(side, -0.19, 0.27, 0.18, (150, 110, 90))
        ellipse(side, -0.38, 0.26, 0.05, (60, 40, 30))
        ellipse(side, -0.15, 0.18, 0.09, (225, 220, 215))
        ellipse(side, -0.15, 0.09, 0.09, (30, 20, 20))
    ellipse(0, 0.15, 0.1, 0.25, (232, 195, 170))
    ellipse(0, 0.38, 0.18, 0.05, (140, 95, 80))
    ellipse(0, 0.72, 0.33, 0.1, (150, 70, 70))
    return encoded(picture.filter(ImageFilter.GaussianBlur(unit / 18)), "JPEG", quality=90)
