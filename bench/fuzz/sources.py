"""Objects for a server to be asked about: small pictures of every kind, what is left of them after an accident, and no pictures."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from random import Random

from PIL import Image

PHOTOS = Path(__file__).resolve().parents[2] / "photos"
MOST_BYTES = 400_000
"""Larger files cost a fuzzer more than they show."""
_SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="{0}" height="{0}"><rect width="9" height="9" fill="red"/>{1}</svg>'
)


def sources(random: Random, corpus: Path | None, *, most: int) -> Mapping[str, bytes]:
    """Bodies by key; those of *corpus*, a directory, are *most* of its files, chosen by *random*."""
    found = {photo.name: photo.read_bytes() for photo in sorted(PHOTOS.iterdir()) if photo.suffix != ".md"}
    found |= _small(random)
    whole = dict(found)
    for number in range(24):
        name = random.choice(sorted(whole))
        found[f"broken-{number}-{name}"] = _broken(whole[name], random)
    found |= _liars()
    if corpus is not None and corpus.is_dir():
        files = [path for path in sorted(corpus.rglob("*")) if path.is_file() and path.stat().st_size <= MOST_BYTES]
        for number, path in enumerate(random.sample(files, k=min(most, len(files)))):
            found[f"found/{number}-{path.name}"] = path.read_bytes()
    return found


def _small(random: Random) -> dict[str, bytes]:
    """Pictures of a few thousand pixels: every mode and format that Pillow writes, still and moving, with metadata."""
    found = {}
    for mode, name in (
        ("RGB", "rgb"),
        ("RGBA", "alpha"),
        ("L", "grey"),
        ("LA", "grey-alpha"),
        ("P", "palette"),
        ("1", "bits"),
    ):
        found[f"{name}.png"] = _saved(_noise(random, 64, 40).convert(mode), "PNG")
    exif = Image.Exif()
    exif[0x0112], exif[0x8298], exif[0x8825] = 6, "somebody", {1: "N", 2: (52.0, 31.0, 12.0)}
    found["turned.jpg"] = _saved(_noise(random, 80, 60), "JPEG", quality=70, exif=exif)
    found["ink.jpg"] = _saved(_noise(random, 40, 30).convert("CMYK"), "JPEG", quality=90)
    found["progressive.jpg"] = _saved(_noise(random, 33, 17), "JPEG", progressive=True)
    found["grey.jpg"] = _saved(_noise(random, 30, 30).convert("L"), "JPEG")
    found["deep.png"] = _saved(_noise(random, 20, 20).convert("I;16"), "PNG")
    for name, format_ in (
        ("a.webp", "WEBP"),
        ("a.bmp", "BMP"),
        ("a.tiff", "TIFF"),
        ("a.avif", "AVIF"),
        ("a.ico", "ICO"),
    ):
        found[name] = _saved(_noise(random, 48, 32), format_)
    frames = [_noise(random, 32, 24) for _ in range(5)]
    for name, format_ in (("waves.gif", "GIF"), ("waves.webp", "WEBP"), ("waves.png", "PNG")):
        found[name] = _saved(frames[0], format_, save_all=True, append_images=frames[1:], duration=40)
    found["dot.png"] = _saved(_noise(random, 1, 1), "PNG")
    found["line.png"] = _saved(_noise(random, 900, 1), "PNG")
    found["tall.jpg"] = _saved(_noise(random, 1, 900), "JPEG")
    return found


def _liars() -> dict[str, bytes]:
    """Nothing that is a picture, and pictures that say of themselves what is not so."""
    huge = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 6, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + huge + struct.pack(">I", zlib.crc32(huge))
    flood = _saved(
        Image.new("P", (4, 4)),
        "GIF",
        save_all=True,
        append_images=[Image.new("P", (4, 4), n % 250) for n in range(1, 400)],
    )
    return {
        "empty.jpg": b"",
        "text.png": b"no picture\n" * 30,
        "page.html": b"<!doctype html><script>alert(1)</script>",
        "bomb.png": bomb,
        "flood.gif": flood,
        "nested.svg": _SVG.format(50, "<g>" * 3000 + "</g>" * 3000).encode(),
        "outside.svg": _SVG.format(50, '<image href="file:///etc/passwd"/>').encode(),
        "huge.svg": _SVG.format(2_000_000, "").encode(),
        "behind.jpg": _saved(Image.new("RGB", (9, 9)), "JPEG") + b"PK\x03\x04" + bytes(500),
    }


def _broken(body: bytes, random: Random) -> bytes:
    """*body* cut short, with a hole, with bits that flipped, or with something behind it."""
    place = random.randrange(max(1, len(body)))
    match random.randrange(4):
        case 0:
            return body[:place]
        case 1:
            return body[:place] + body[place + random.randint(1, 200) :]
        case 2:
            flipped = bytearray(body)
            for _ in range(random.randint(1, 20)):
                # Headers are the interesting part.
                flipped[random.randrange(random.choice((min(200, len(body)), len(body))))] ^= 1 << random.randrange(8)
            return bytes(flipped)
        case _:
            return body + random.randbytes(random.randint(1, 3000))


def _noise(random: Random, width_px: int, height_px: int) -> Image.Image:
    small = Image.frombytes("RGB", (5, 5), random.randbytes(75))
    return small.resize((width_px, height_px), Image.Resampling.BICUBIC)


def _saved(picture: Image.Image, format_: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format_, **options)
    return buffer.getvalue()
