"""Write docs/operations.md, its pictures and the contact sheet docs/operations.html: ``make docs``.

What an operation does, takes and refuses is read from its module; here are only the examples, one line each.
"""

from __future__ import annotations

import asyncio
import html
import inspect
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from proxy.codec.inline import InlineCodec
from proxy.core.grammar import format_plan, parse_plan
from proxy.core.model import ImageLimits
from proxy.core.plan import Operation
from proxy.core.reports import MEDIA_TYPES, REPORTS
from proxy.errors import MogrError
from proxy.formats import CATALOGUE as FORMATS
from proxy.ops import CATALOGUE
from proxy.ports import Job

DOCS = Path(__file__).parent
PHOTOS = DOCS.parent / "photos"
PICTURES = DOCS / "operations"
PAGE, SHEET = DOCS / "operations.md", DOCS / "operations.html"
CANYON, EARTH, MARS = "canyon.jpg", "earth-at-night.jpg", "mars.jpg"
WALRUS, VIOLETS, BARTENDER = "walrus.jpg", "violets.jpg", "bartender.jpg"


@dataclass(frozen=True)
class Example:
    photo: str
    text: str
    small: str = "imageMogr2/thumbnail/320x320"
    """Put before the example, so that the page stays light; empty where the size is the point."""


EXAMPLES: dict[str, tuple[Example, ...]] = {
    "auto-orient": (Example(VIOLETS, "imageMogr2/auto-orient/thumbnail/240x240", ""),),
    "blur": (Example(WALRUS, "imageMogr2/blur/8x5"),),
    "bright": (Example(EARTH, "imageMogr2/bright/30"),),
    "contrast": (Example(MARS, "imageMogr2/contrast/40"),),
    "crop": (Example(WALRUS, "imageMogr2/crop/240x240/gravity/center", ""),),
    "cut": (Example(MARS, "imageMogr2/cut/240x160x500x300", ""),),
    "flip": (Example(WALRUS, "imageMogr2/flip/horizontal"),),
    "focus": (Example(WALRUS, "imageMogr2/focus/200x200", ""),),
    "grayscale": (Example(CANYON, "imageMogr2/grayscale/1"),),
    "imageView2": (
        Example(CANYON, "imageView2/1/w/200/h/200", ""),
        Example(CANYON, "imageView2/2/w/240/h/160", ""),
        Example(CANYON, "imageView2/3/w/160/h/120", ""),
    ),
    "indexcrop": (Example(MARS, "imageMogr2/indexcrop/width/100/index/1"),),
    "iradius": (Example(WALRUS, "imageMogr2/iradius/100/format/png"),),
    "rcrop": (Example(CANYON, "imageMogr2/rcrop/100x100"),),
    "rotate": (Example(CANYON, "imageMogr2/rotate/15/format/png"),),
    "rradius": (Example(WALRUS, "imageMogr2/rradius/40/format/png"),),
    "saturation": (Example(CANYON, "imageMogr2/saturation/60"),),
    "scrop": (Example(BARTENDER, "imageMogr2/scrop/160x200", ""),),
    "sharpen": (Example(MARS, "imageMogr2/sharpen/150"),),
    "thumbnail": (
        Example(CANYON, "imageMogr2/thumbnail/240x", ""),
        Example(CANYON, "imageMogr2/thumbnail/240x240/pad/1/color/IzIwMjAyMA", ""),
        Example(CANYON, "imageMogr2/thumbnail/240x80!", ""),
        Example(CANYON, "imageMogr2/thumbnail/100x/dpr/2", ""),
    ),
    "trim": (Example(CANYON, "imageMogr2/thumbnail/240x240/pad/1|imageMogr2/trim/10", ""),),
    "watermark/1": (
        Example(CANYON, "watermark/1/image_key/dHVsaXBzLnBuZw/scatype/2/spcent/500/dissolve/100/dx/10/dy/10"),
        Example(
            CANYON, "watermark/1/image_key/dHVsaXBzLnBuZw/scatype/1/spcent/200/batch/1/spacing/20/degree/20/dissolve/60"
        ),
    ),
    "watermark/2": (
        Example(CANYON, "watermark/2/text/bW9ncg/fontsize/40/fill/I0ZGRkZGRg/dissolve/80/gravity/center"),
        Example(CANYON, "watermark/2/text/bW9ncg/fontsize/20/fill/I0ZGRkZGRg/batch/1/degree/30/dissolve/40"),
    ),
    "watermark/3": (Example(CANYON, "watermark/3/type/3/text/bW9ncg", "imageMogr2/thumbnail/400x400"),),
}

_INTRODUCTION = """\
# Operations

<!-- Written by docs/generate_operations.py from proxy/ops, proxy/formats and proxy/core; edit those. -->

An operation is the query of a picture's URL: `/canyon.jpg?imageMogr2/thumbnail/640x/format/webp`. Parameters of one stage are
applied in a fixed order (orientation, then scaling and cropping as written, shape, rotation, flips, tones, blur and sharpening);
`|` joins up to ten stages, each working on what the one before it made. A chain is decoded once and encoded once. What is
malformed or out of range answers 400 `InvalidArgument`, naming the parameter, the value and the range; with `ignore-error/1`
the original comes back instead. The pictures below are made from the [bundled photographs](../photos/PROVENANCE.md) by `make docs`.
"""


_ENCODING = """\
## Encoding

Parameters of any `imageMogr2` stage that say how its result is written. Where several stages say it, qualities are applied one
after the other, and of the rest the last one counts.

- `quality/<0-100>`: at most so much, on JPEG's scale, whatever the format; with `!` after it, exactly.
- `rquality/<0-100>`: so many per cent of the source's quality. `lquality/<0-100>`: at least so much.
- `quality/auto`, `quality/auto:<30-90>`: the fewest bytes whose [SSIMULACRA2](https://github.com/cloudinary/ssimulacra2) score, of the result
  against what was painted, comes to so much within a point, whatever the source's quality was; 77 where nothing is said, which is what photographs score
  at `quality/80`. 90 can hardly be told from the original, 70 looks good, 50 fair. `rquality`, `lquality` and the qualities of
  later stages go on from there. The first answers are of the quality that photographs take on the average, say `detail=interim` in `Cache-Status`
  and may be kept for 10 seconds. Meanwhile this picture is measured, in each format once; from then on answers are of its own quality, under
  another `ETag`. Between scores of 83 and 87 there is nothing,
  as colours come at full resolution from there on, so that the nearer of them is taken. Animations
  and pictures under 8 pixels a side stay with the average; PNG, GIF, BMP, TIFF and APNG ignore it. Where nothing else is asked than
  a format and `quality/auto`, and the original is one that the client can show, the original is sent if the result has no fewer bytes.
  Ours, not Cloud Infinite's.
- `interlace/1`: progressive JPEG; ignored for other formats.
- `strip`: no metadata; colours are converted to sRGB first.
- `size-limit/<n>k` or `<n>m`, 1k to 1024m, k being 1024 bytes: for JPEG, the best quality whose result is no larger, found by at
  most eight encodings; if even quality 1 is larger, that is sent. With `!` after it the original is sent if the result has no
  fewer bytes. `strip` makes room. Ignored for other formats.
- `minsize/1`, also written `minisize/1`: the original is sent if the result has no fewer bytes, whatever else was asked of it,
  `strip` included.
- `cgif/<1-100>`: of a GIF, so many frames, spread evenly, that last as long as all did, with 64 colours each if the result is a
  GIF; 1 means the first 30 frames. Ignored for other sources.
- `AIGCMetadata/Label/<text>`, further `ContentProducer`, `ProduceID`, `ReservedCode1`, `ContentPropagator`, `PropagateID` and
  `ReservedCode2`, each up to 1,024 characters in URL-safe base64: writes the label of AI-generated content of GB 45438-2025 into
  XMP (`TC260:AIGC`). 400 for GIF, BMP and TPG, which have no place for it. A labelled result is never replaced by the original.

`format/astc` and `psd` exist at Cloud Infinite and answer 501 here.

## TPG

Tencent's own format, which its apps and SDKs show. `format/tpg` and TPG sources, still, with transparency and animated, need the extra
`tpg` (`pip install mogr[tpg]`: an FFmpeg, GPL, 170 MB, which mogr starts confined, for one picture at a time); without it they answer
400 `InvalidImageFormat`. As with any format, a client whose `Accept` names others, and not `image/tpg`, gets one of those. There is no
public specification and no other open encoder: Tencent's public samples are read, **what mogr writes is not validated against
Tencent's own decoder**, which is closed. Try it in your app before you rely on it. At most 8192 x 4608 pixels; EXIF stays, colours become sRGB.
[More](decisions/0021-tpg.md).

## SVG

An SVG, packed by gzip or not, is drawn at the size that comes out first: `thumbnail/2000x` of an icon is sharp. Its own size is
that of `width` and `height` at 96 pixels an inch, else that of its `viewBox`, else 300 x 150, as in browsers. The answer is a PNG
unless a format is asked for; `format/auto` chooses as for any picture with transparency. Text is drawn in the fonts that
watermarks have. Nothing is loaded that the file refers to, but pictures in `data:` URLs; nothing moves.

`format/svgc`, or `format/svg`, answers SVG: the same drawing, written anew in fewer bytes and without what is not needed for it:
scripts, event handlers, links that lead out of the file, `foreignObject`, styles and fonts from elsewhere, entities, comments,
metadata, and what editors keep for themselves. Animations stay, except of links. It stands without operations that paint; 400 with
them, and for a source that is not SVG. `imageSlim` of an SVG does the same. `ignore-error`, where something failed, and a plain GET
send the file as it is, under a `Content-Security-Policy` that lets nothing run or load.

**Refused:** over 200,000 elements, also once every `use` is followed; over 256 levels, 32 levels of brackets in styles, or 1,000
attributes of an element; entities that stand for anything but plain text; encodings other than UTF-8, UTF-16 and those of one byte
a character; over 32 MiB unpacked.

## imageSlim

A stage of its own: the same picture, in the same format, in fewer bytes, whatever time that takes. JPEG: mozjpeg's searches, at
no more than quality 80. PNG: a palette where nobody sees it, else lossless. GIF: pixels that hardly change are left out.
SVG: as `format/svgc`. The header `X-Slimflag` of the answer says 1 for compressed; 2 for the original, because the result was no smaller, the format is
another one, or the picture has more than 24 megapixels; 0 for the original because something failed.
"""


_BLIND = """\
`watermark/4` finds what `watermark/3` hid, by the same `type`: 1 takes the original as `image` or `image_key`, 2 the emblem, 3
nothing more. It answers `<Response>` with `WatermarkStatus` (0 to 100: over 75 the mark is there, from 60 on it may be), `Text`
if one was read, and for emblems `ResultImage`, a PNG in base64 of what was read of it, whatever the status.
"""


def page() -> str:
    """The whole page as it should be committed."""
    blocks = [_INTRODUCTION, *(_operation(name, kind) for name, kind in CATALOGUE.items())]
    return "\n".join([*blocks, _formats(), _ENCODING, _reports()])


def _operation(name: str, kind: type[Operation]) -> str:
    module = inspect.getmodule(kind)
    lines = [f"## {name}", "", _prose(_first(module.__doc__ if module else None))]
    about = inspect.getdoc(kind)
    if about and not about.startswith(f"{kind.__name__}("):
        lines += ["", _prose(about)]
    taken = inspect.getdoc(kind.parse)
    if taken:
        paragraphs = taken.partition("\n\nRaises:")[0].split("\n\n")
        lines += ["", re.sub("^Read ", "**Takes** ", _prose(paragraphs[0]))]
        lines += [line for paragraph in paragraphs[1:] for line in ("", _prose(paragraph))]
        refused = taken.partition("Raises:\n")[2]
        if refused:
            lines += ["", "**Refused:** " + _prose(refused.partition("InvalidArgument: ")[2] or refused)]
    if kind.modifiers:
        lines += ["", "Further parameters: " + ", ".join(f"`{modifier}`" for modifier in sorted(kind.modifiers)) + "."]
    for number, example in enumerate(EXAMPLES[name]):
        picture = _picture(name, number)
        url = f"/{example.photo}?{_whole(example)}"
        lines += ["", f"![{name}](operations/{picture.name})", "", f"`{url}`"]
    return "\n".join(lines) + "\n"


def _formats() -> str:
    lines = [
        "## format",
        "",
        "`format/<name>`, in any stage; the last one counts. `format/auto` is ours: see [negotiation](index.md). `format/src`",
        "keeps the source's. Which of them a build can write: `mogr check`.",
        "",
        "| name | Content-Type | transparency | animation | quality | largest side |",
        "|---|---|---|---|---|---|",
    ]
    for row in FORMATS.values():
        if row.spellings:
            marks = ("yes" if has else "no" for has in (row.alpha, row.animation, row.quality))
            names = ", ".join(f"`{spelling}`" for spelling in row.spellings)
            lower = f", {row.max_height_px} px high" if row.max_height_px is not None else ""
            lines.append(f"| {names} | {row.media_type} | {' | '.join(marks)} | {row.max_side_px} px{lower} |")
    return "\n".join(lines) + "\n"


def _reports() -> str:
    lines = [
        "## Reports",
        "",
        "Answers about a picture instead of a picture: alone, or as the last stage of a pipe, then on what the stages make.",
        "",
        "| report | further parameters (default) | Content-Type |",
        "|---|---|---|",
    ]
    for name, kind in REPORTS.items():
        taken = ", ".join(f"`{key}` ({each.default or 'needed'})" for key, each in sorted(kind.parameters.items()))
        lines.append(f"| `{name}` | {taken or '–'} | {MEDIA_TYPES[kind.answers]} |")
    return "\n".join([*lines, "", _BLIND])


def _whole(example: Example) -> str:
    return f"{example.small}|{example.text}" if example.small else example.text


def _picture(name: str, number: int) -> Path:
    return PICTURES / f"{re.sub('[^a-z0-9]+', '-', name.lower())}-{number}.webp"


def _first(doc: str | None) -> str:
    """The first paragraph, without the name that a module's docstring begins with."""
    text = (doc or "").strip().partition("\n\n")[0]
    text = re.sub(r"^``[^`]*``(?: \((ours)\))?: ", lambda found: "Ours: " if found[1] else "", text)
    return text[:1].upper() + text[1:]


def _prose(text: str) -> str:
    """Without the sections of a specification that readers do not have."""
    return " ".join(re.sub(r" \(spec/[^)]*\)", "", text.replace("``", "`")).split())


async def paint() -> None:
    """Make every example's picture anew."""
    PICTURES.mkdir(exist_ok=True)
    for old in PICTURES.glob("*.webp"):
        old.unlink()
    codec, limits = InlineCodec(), ImageLimits()
    for name, examples in EXAMPLES.items():
        if name not in CATALOGUE:
            continue
        for number, example in enumerate(examples):
            body = (PHOTOS / example.photo).read_bytes()
            plan = parse_plan(_whole(example) + "|imageMogr2/format/webp/quality/75!")
            try:
                traits = await codec.probe(body, limits)
                # The examples' marks are bundled pictures that are PNG already.
                inputs = tuple((PHOTOS / need.key).read_bytes() for need in plan.needs)
                job = Job(plan_text=format_plan(plan), format="webp", limits=limits, inputs=inputs)
                made = await codec.render(body, traits, job)
            except MogrError as error:
                sys.exit(f"{name}: {error.public} ({error})")
            _picture(name, number).write_bytes(made.body)
    codec.close()


def sheet() -> str:
    """All examples beside each other, to be looked at."""
    figures = [
        f'<figure><img src="operations/{_picture(name, number).name}" alt="">'
        f"<figcaption>{html.escape(example.text)}</figcaption></figure>"
        for name, examples in EXAMPLES.items()
        if name in CATALOGUE
        for number, example in enumerate(examples)
    ]
    style = (
        "body{font:13px sans-serif;background:#888;margin:1em}figure{display:inline-block;margin:6px;vertical-align:top;"
        "max-width:330px}figcaption{overflow-wrap:anywhere}img{max-width:320px}"
    )
    return f"<!doctype html><title>mogr: operations</title><style>{style}</style>\n" + "\n".join(figures) + "\n"


if __name__ == "__main__":
    asyncio.run(paint())
    PAGE.write_text(page())
    SHEET.write_text(sheet())
