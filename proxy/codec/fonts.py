"""Which font files there are, and what of them CI's font names mean (spec/01 §10.2).

Fonts belong to a process, as fontconfig's do: ``add`` is called once, before anything is drawn.  No directory is searched
for fonts that nobody named, so that the same text gives the same pixels wherever the same files are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import proxy

BUNDLED: Final = Path(proxy.__file__).parent / "fonts"
_SUFFIXES: Final = frozenset({".ttf", ".otf", ".ttc", ".otc"})

_ALWAYS: Final = (BUNDLED / "LiberationSans-Regular.ttf", BUNDLED / "LiberationSans-Bold.ttf")
_DEBIAN: Final = tuple(
    Path("/usr/share/fonts/opentype/noto", name)
    for name in (
        "NotoSansCJK-Regular.ttc",
        "NotoSansCJK-Bold.ttc",
        "NotoSerifCJK-Regular.ttc",
        "NotoSerifCJK-Bold.ttc",
    )
)
"""Where Debian's package fonts-noto-cjk puts Chinese, Japanese and Korean."""

_SANS, _HAN, _SONG = "Liberation Sans", "Noto Sans CJK SC", "Noto Serif CJK SC"
_PLAIN: Final = f"{_SANS},{_HAN},"
_BOLD: Final = f"{_SANS},{_HAN}, Bold"
_BLACK: Final = f"{_HAN},{_SANS},"
_MEANT: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("tahoma", "arial", "helvetica", "helveticaneue"), _PLAIN),
        **dict.fromkeys(("ariblk", "ahronbd"), _BOLD),
        **dict.fromkeys(("simhei", "stheitilight", "幼圆"), _BLACK),
        "stheitimedium": f"{_HAN},{_SANS}, Bold",
        **dict.fromkeys(("simsun", "simfang", "simkai"), f"{_SONG},{_HAN},{_SANS},"),
    }
)
"""Pango's names of the open fonts that stand in for those of CI."""

_files: dict[Path, None] = {}
_own: dict[str, str] = {}


def add(paths: Iterable[Path]) -> None:
    """Use the font files in *paths*, files or directories, as well; a URL names one by the name of its file.

    What cannot be read, or is no font, is left out.
    """
    from PIL import ImageFont  # not needed by who asks for the fingerprint

    for file in _within(paths):
        try:
            family, style = ImageFont.truetype(str(file), 10).getname()
        except OSError:
            continue
        if family:
            _files[file] = None
            _own[file.name.casefold()] = f"{family.replace(',', ' ')},{_SANS},{_HAN}, {style or ''}".rstrip()


def files() -> tuple[Path, ...]:
    """Every font file there is, those of ours first."""
    return (*_ALWAYS, *(path for path in _DEBIAN if path.is_file()), *_files)


def description(name: str) -> str:
    """What pango is to look for when a URL says *name*, in lower case; for an unknown one the default."""
    own = _own.get(name)
    if own is not None:
        return own
    stem = name.rpartition(".")[0] or name
    letters = "".join(each for each in stem if each.isascii() and each.isalnum())
    return _MEANT.get(letters or stem.strip(), _PLAIN)


def fingerprint(paths: Iterable[Path]) -> str:
    """Another one whenever the same text could have other pixels, with *paths* added; reads every font file."""
    digest = hashlib.sha256()
    for path in (*_ALWAYS, *(path for path in _DEBIAN if path.is_file()), *_within(paths)):
        with path.open("rb") as file:
            digest.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:12]


def _within(paths: Iterable[Path]) -> list[Path]:
    """The files among *paths*, and in the directories among them, that are called like fonts."""
    found: list[Path] = []
    for path in paths:
        try:
            found += sorted(path.iterdir()) if path.is_dir() else [path]
        except OSError:
            continue
    return [path for path in found if path.suffix.lower() in _SUFFIXES and path.is_file()]
