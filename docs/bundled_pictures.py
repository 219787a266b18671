"""Make ``photos/`` from the originals that ``photos/PROVENANCE.md`` names: ``python docs/bundled_pictures.py ORIGINALS``.

Photographs are scaled and re-encoded to keep the checkout small, and lose all metadata but the colour profile.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pyvips

PHOTOS = Path(__file__).resolve().parents[1] / "photos"
PHOTOGRAPHS = {
    "canyon.jpg": ("photos/originals/p01_antelope_canyon_6mp.jpg", 1600),
    "earth-at-night.jpg": ("photos/originals/p05_earth_night_12mp.jpg", 1600),
    "mars.jpg": ("photos/originals/p12_mars_hirise_9mp.jpg", 1400),
    "walrus.jpg": ("photos/large/large_a_08mb_15mp.jpg", 1600),
    "bartender.jpg": ("photos/originals/p19_craft_beer.jpg", 960),
}
VIOLETS = "formats/jpeg/immich__orychophragmus_violaceus.jpg"
TULIPS = "formats/png_widegamut/jxltd__tmshre_riaphotographs_alpha.png"


def photographs(originals: Path) -> None:
    for name, (source, width_px) in PHOTOGRAPHS.items():
        picture = pyvips.Image.thumbnail(str(originals / source), width_px, height=width_px)
        picture.jpegsave(str(PHOTOS / name), Q=85, optimize_coding=True, interlace=True, keep="icc")


def lying_violets(originals: Path) -> None:
    """Stored on its side with EXIF orientation 6, as a telephone held upright does."""
    picture = pyvips.Image.new_from_file(str(originals / VIOLETS)).rot("d270").copy()
    for field in picture.get_fields():
        if field.startswith(("exif-", "xmp-", "iptc-")):
            picture.remove(field)
    picture.set_type(pyvips.GValue.gint_type, "orientation", 6)
    picture.jpegsave(str(PHOTOS / "violets.jpg"), Q=88, optimize_coding=True, keep="icc|exif")


def flight_over_mars(originals: Path) -> None:
    """An animated GIF: a window that circles over the Martian terrain."""
    wide = pyvips.Image.thumbnail(str(originals / PHOTOGRAPHS["mars.jpg"][0]), 420).copy_memory()
    steps = [
        (0, 0),
        (40, 0),
        (80, 0),
        (120, 0),
        (160, 10),
        (180, 30),
        (160, 50),
        (120, 60),
        (80, 60),
        (40, 50),
        (10, 30),
        (0, 10),
    ]
    frames = [wide.crop(left, top, 240, 150) for left, top in steps]
    film = pyvips.Image.arrayjoin(frames, across=1).copy()
    film.set_type(pyvips.GValue.gint_type, "page-height", 150)
    film.set_type(pyvips.GValue.array_int_type, "delay", [120] * len(frames))
    film.set_type(pyvips.GValue.gint_type, "loop", 0)
    film.gifsave(str(PHOTOS / "mars-flight.gif"), effort=7, dither=0.6, bitdepth=6, keep="none")


if __name__ == "__main__":
    given = Path(sys.argv[1])
    photographs(given)
    lying_violets(given)
    flight_over_mars(given)
    shutil.copyfile(given / TULIPS, PHOTOS / "tulips.png")
