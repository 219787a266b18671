"""What blind watermarks withstand, and what they cost to look at: measured on real photographs.

    python bench/blind_watermark.py PHOTOS... [--sides 400,768,1600] [--level 1]

Each photograph is scaled to a long side, marked with texts of several lengths and with emblems, damaged in every way, and
read.  Printed: how many of the photographs give the mark back, how far a mark stands from chance, and false alarms from
photographs without a mark, or asked for another one.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("VIPS_CONCURRENCY", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import math
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyvips

from proxy.codec import blind, colour
from proxy.codec.decode import decode
from proxy.codec.encode import encode
from proxy.codec.probe import probe
from proxy.core.model import ImageLimits
from proxy.formats import CATALOGUE, Encoding
from proxy.ops.blind import TEXT_BYTES, Kind

SURE = 75
PLAUSIBLE = 60
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def through(image: Any, format_: str, quality: int) -> Any:
    """*image* written and read by our own codecs."""
    encoding = Encoding(quality=quality, width_px=image.width, height_px=image.height)
    body = encode(image, CATALOGUE[format_], encoding)
    back = decode(body, probe(body, ImageLimits()), frames=1)
    return colour.in_srgb(back).copy_memory()


def half(image: Any) -> Any:
    return image.thumbnail_image(image.width // 2, height=image.height // 2, size="force").copy_memory()


def cropped(image: Any, share: float) -> Any:
    left, top = int(image.width * share / 2), int(image.height * share / 2)
    return image.crop(left, top, image.width - 2 * left, image.height - 2 * top).copy_memory()


DAMAGES: Mapping[str, Callable[[Any], Any]] = {
    "as it is": lambda image: image,
    "JPEG 70": lambda image: through(image, "jpeg", 70),
    "WebP 75": lambda image: through(image, "webp", 75),
    "AVIF 80": lambda image: through(image, "avif", 80),
    "GIF": lambda image: through(image, "gif", 80),
    "half": half,
    "half, JPEG 70": lambda image: through(half(image), "jpeg", 70),
    "half, WebP 75": lambda image: through(half(image), "webp", 75),
    "to 3:4": lambda image: image.thumbnail_image(300, height=400, size="force").copy_memory(),
    "turned, JPEG 70": lambda image: through(image.rot90(), "jpeg", 70),
    "lighter, less contrast": lambda image: (image * 0.8 + 40).cast("uchar").copy(interpretation="srgb"),
    "blurred 1 px": lambda image: image.gaussblur(1.0),
    "cropped 1 %": lambda image: cropped(image, 0.01),
    "cropped 4 %": lambda image: cropped(image, 0.04),
}


def emblem(text: str) -> Any:
    """White letters on black, as CI wants marks."""
    ink = pyvips.Image.text(text, width=180, height=180)
    return ink.embed((240 - ink.width) // 2, (240 - ink.height) // 2, 240, 240).copy(interpretation="b-w").addalpha()


def photographs(paths: list[Path], side_px: int) -> Iterator[Any]:
    """Every picture in *paths*, in sRGB, its long side *side_px*; those that are smaller are left out."""
    for path in paths:
        body = path.read_bytes()
        traits = probe(body, ImageLimits())
        if max(traits.frame.width_px, traits.frame.height_px) < side_px:
            continue
        image = colour.flat(colour.eight_bit(colour.in_srgb(decode(body, traits, frames=1))))
        yield image.thumbnail_image(side_px, height=side_px).colourspace("srgb").copy_memory()


def psnr_db(one: Any, other: Any) -> float:
    difference = one.cast("float") - other.cast("float")
    return 10 * math.log10(255**2 / max((difference * difference).avg(), 1e-9))


def ssim(one: Any, other: Any) -> float:
    """Mean structural similarity of brightness (Wang, Bovik, Sheikh and Simoncelli 2004)."""
    a, b = (image.colourspace("b-w").cast("float") for image in (one, other))

    def mean(image: Any) -> Any:
        return image.gaussblur(1.5, precision="float")

    ma, mb = mean(a), mean(b)
    va, vb, both = mean(a * a) - ma * ma, mean(b * b) - mb * mb, mean(a * b) - ma * mb
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float((((ma * mb * 2 + c1) * (both * 2 + c2)) / ((ma * ma + mb * mb + c1) * (va + vb + c2))).avg())


def measure(kind: Kind, length: int, images: list[Any], level: int) -> None:
    """One table: a mark of *kind* (a text of *length* bytes) in each of *images*."""
    chance = random.Random(0)
    found: dict[str, list[int]] = {name: [] for name in DAMAGES}
    looks, similar, spent_s, refused = [], [], [], 0
    logo = emblem("M")
    for image in images:
        text = "".join(chance.choices(LETTERS, k=length))
        started_s = time.process_time()
        try:
            marked = blind.hide(image, kind, level, text=text, mark=logo)
        except Exception as error:
            refused += 1
            print(f"  refused: {error}")
            continue
        spent_s.append(time.process_time() - started_s)
        looks.append(psnr_db(image, marked))
        similar.append(ssim(image, marked))
        given = {Kind.TEXT: None, Kind.EMBLEM: logo, Kind.WITH_ORIGINAL: image}[kind]
        for name, damage in DAMAGES.items():
            said = blind.find(damage(marked), kind, given)
            right = said.text == text if kind is Kind.TEXT else said.status >= SURE
            found[name].append(said.status if right else 0)
    what = f"text of {length} bytes" if kind is Kind.TEXT else f"type {kind.value}"
    print(f"{what}, level {level}: {len(looks)} marked, {refused} refused; PSNR {min(looks):.1f} to {max(looks):.1f}, mean "
          f"{statistics.mean(looks):.1f} dB; SSIM from {min(similar):.4f}; {statistics.mean(spent_s):.2f} s of CPU")  # fmt: skip
    for name, statuses in found.items():
        print(f"  {name:24} {sum(map(bool, statuses)):3} of {len(statuses)}   weakest status {min(statuses)}")


def false_alarms(images: list[Any]) -> None:
    """Photographs without a mark, and asked for a mark that another emblem was hidden as."""
    emblems = [emblem(letter) for letter in "ABCDEFGHIJKLOQRSTUVWXYZ0123456789"]
    plain = [blind.find(image, Kind.EMBLEM, logo).status for image in images for logo in emblems]
    wrong = [
        blind.find(marked, Kind.EMBLEM, logo).status
        for marked in (blind.hide(image, Kind.EMBLEM, 1, mark=emblem("M")) for image in images)
        for logo in (emblem("N"), *emblems)
    ]
    texts = [blind.find(damage(image), Kind.TEXT).text for image in images for damage in (half, DAMAGES["JPEG 70"])]
    other = [
        blind.find(through(image, "jpeg", 70), Kind.WITH_ORIGINAL, original).status
        for image in images
        for original in images
    ]
    for name, statuses in (("unmarked", plain), ("another emblem", wrong), ("unmarked, with originals", other)):
        over = [sum(status >= least for status in statuses) for least in (PLAUSIBLE, SURE)]
        print(
            f"{name}: {len(statuses)} looks, highest status {max(statuses)}, {over[0]} from {PLAUSIBLE}, {over[1]} from {SURE}"
        )
    print(f"texts read where there are none: {sum(text is not None for text in texts)} of {len(texts)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("photos", type=Path, nargs="+", help="pictures, or directories of them")
    parser.add_argument("--sides", default="400,768,1600")
    parser.add_argument("--level", type=int, default=1)
    parser.add_argument("--alarms", action="store_true", help="false alarms only")
    given = parser.parse_args()
    paths = [path for each in given.photos for path in (sorted(each.iterdir()) if each.is_dir() else [each])]
    paths = [path for path in paths if path.suffix in (".jpg", ".png", ".heic", ".webp")]
    for side_px in map(int, given.sides.split(",")):
        images = list(photographs(paths, side_px))
        print(f"\n== {len(images)} photographs, long side {side_px} px")
        if given.alarms:
            false_alarms(images)
            continue
        for length in TEXT_BYTES:
            measure(Kind.TEXT, length, images, given.level)
        for kind in (Kind.EMBLEM, Kind.WITH_ORIGINAL):
            measure(kind, 0, images, given.level)


if __name__ == "__main__":
    main()
