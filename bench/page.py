"""docs/benchmarks.md: what ``bench/codecs.py`` measured, in words, tables and plots.  Every figure in it is computed."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from enlarged import LEAST_SCORE, QUALITIES, Large
from equal import Row
from judge import judge
from plots import Axis, dots, lines
from trials import SETTINGS, Picture, plain_jpeg

from proxy import formats
from proxy.codec.capabilities import capabilities

MB = 1_000_000
SEED_MB = {
    ("avif", 8): 1.8, ("avif", 18): 3.2, ("avif", 30): 6.9, ("heif", 8): 3.2, ("heif", 18): 13.0, ("heif", 30): 14.0,
}  # fmt: skip
"""For originals of about so many: the table that this project set out to beat, which tells no quality."""
CLAIMS = {"avif": 50, "heif": 30, "webp": 20}
"""Percent fewer bytes than JPEG, from the same place."""
Rows = Mapping[tuple[int, str, str], Row]


def page(over_kodak: Rows, over_photographs: Rows, large: Sequence[Large], *, kodak: int, photographs: int) -> str:
    versions = ", ".join(f"{name} {text}" for name, text in capabilities().versions.items() if name != "mogr")
    targets = sorted({target for target, *_ in over_kodak})
    return (
        "\n\n".join(
            (
                "# Formats and presets, measured",
                (
                    f"Written by [bench/codecs.py](../bench/codecs.py) ({versions}; judged by {judge()[0]}). How to run it: the first lines "
                    "of the script, or `make codecs`."
                ),
                (
                    "A bucket's `preset` says how long encoders may search: `realtime` while somebody waits, `balanced`, `best`. "
                    "What looks the same is decided by [SSIMULACRA2](https://github.com/cloudinary/ssimulacra2): 100 is the original, 90 is "
                    "hardly told from it, 70 is good, 50 is fair. It is a model of the eye, no more: it knows nothing of faces or text."
                ),
                "## Bytes and CPU at the score of a JPEG of quality 80",
                (
                    f"The {kodak} Kodak pictures (768 x 512), each encoded to the score that plain libjpeg-turbo reaches for it at quality "
                    f"80 ({over_kodak[80, 'avif', 'realtime'].score:.1f} on average). CPU seconds are those of one core at the pace of a "
                    "quiet machine. Compare rows, not machines."
                ),
                _table(over_kodak, 80),
                _told_of_speed(over_kodak),
                "![Fewer bytes against CPU seconds a megapixel](benchmarks/bytes-and-cpu.svg)",
                "## Where the percentages hold, and where not",
                "The same, at the scores of plain JPEGs of other qualities (of every third picture), in percent fewer bytes:",
                _by_target(over_kodak, targets),
                _plainly(over_kodak, targets),
                "![Score against bits a pixel](benchmarks/score-and-bits.svg)",
                "## Other photographs",
                (
                    f"{photographs} photographs of cameras and phones, scaled to 640 pixels and sharper or softer than Kodak's, at the score "
                    "of their JPEGs of quality 80:"
                ),
                _table(over_photographs, 80),
                "## Large originals",
                (
                    f"One photograph of {large[0].original_bytes / MB:.1f} MB with a sensor's noise, and mosaics of 3000 pixel squares of others, saved "
                    "as the JPEG of the highest quality that fits the size wanted. Each is encoded at the lowest quality of "
                    f'{QUALITIES["avif"][0]} to {QUALITIES["avif"][-1]} (HEIF: {", ".join(map(str, QUALITIES["heif"]))}) that scores {LEAST_SCORE:.0f} or more against its original. "To beat" is a table '
                    "this project was given, which tells neither pictures nor quality. `best` is not here: for so many pixels it "
                    "becomes what is affordable (below)."
                ),
                _large(large),
                "## What the presets are",
                _presets(),
                (
                    "A preset is taken as far as about 15 s of one core go: a larger picture gets the next one down. The limits, in "
                    "megapixels, and what each encoder is told, are in [proxy/formats/](../proxy/formats)."
                ),
            )
        )
        + "\n"
    )


def _table(over: Rows, target: int) -> str:
    lines_ = [
        "| format | preset | fewer bytes, mean | all together | worst and best picture | CPU s/Mpx | `quality/80` scores, less JPEG's |",
        "|---|---|---|---|---|---|---|",
    ]
    for (of, format_, name), row in over.items():
        if of == target:
            low, high = row.range_percent
            off, deviation = row.off
            lines_.append(
                f"| {format_} | {_preset_name(format_, name)} | {row.saved_percent:.1f} % | {row.total_percent:.1f} % | {low:.0f} to "
                f"{high:.0f} % | {row.cpu_s_per_mp:.3f} | {off:+.1f} (SD {deviation:.1f}) |"
            )
    return "\n".join(lines_)


def _preset_name(format_: str, name: str) -> str:
    """As the page has it: what a setting is called where a format has fewer than three."""
    if format_ == "avif" and name.startswith("best"):
        return "best, up to 1 Mpx" if name == "best, small" else "best, over 1 Mpx"
    if format_ == "jpeg" and name == "best":
        return "balanced, best"
    return "all" if format_ == "jxl" else name


def _told_of_speed(over: Rows) -> str:
    avif, webp = over[80, "avif", "realtime"].cpu_s_per_mp, over[80, "webp", "balanced"].cpu_s_per_mp
    compared = "less than" if avif < webp else "more than"
    return (
        f"AVIF in realtime takes {avif:.3f} s a megapixel, {compared} WebP at effort 4 ({webp:.3f} s, which is WebP's balanced, and "
        "its realtime up to 0.25 Mpx)."
    )


def _by_target(over: Rows, targets: Sequence[int]) -> str:
    heads = " | ".join(f"as JPEG {target} (score {over[target, 'avif', 'realtime'].score:.0f})" for target in targets)
    lines_ = [f"| format | preset | {heads} |", "|---|---|" + "---|" * len(targets)]
    for setting in SETTINGS:
        found = [over[target, setting.format, setting.name] for target in targets]
        cells = " | ".join(
            f"{row.saved_percent:.0f} %" + ("*" if max(each.extrapolated for each in row.equals) > 1 else "")
            for row in found
        )
        lines_.append(f"| {setting.format} | {_preset_name(setting.format, setting.name)} | {cells} |")
    return "\n".join(lines_)


def _plainly(over: Rows, targets: Sequence[int]) -> str:
    """Which of the percentages that are advertised are reached, at which score."""
    said = []
    for format_, claim in CLAIMS.items():
        best = {
            target: max(row.saved_percent for (of, name, _), row in over.items() if (of, name) == (target, format_))
            for target in targets
        }
        at = [f"{over[target, 'avif', 'realtime'].score:.0f}" for target in targets if best[target] >= claim]
        figures = ", ".join(
            f"{saved:.0f} % at {over[target, 'avif', 'realtime'].score:.0f}" for target, saved in best.items()
        )
        reached = f"is reached at a score of {' and '.join(at)}" if at else "is not reached at any of these scores"
        said.append(
            f'- {format_.upper() if format_ != "webp" else "WebP"}, "{claim}+ %": {reached}, as a mean at equal score '
            f"(its best preset: {figures})."
        )
    return (
        "Percentages such as AVIF 50+ %, HEIF 30+ % and WebP 20+ % are often told without a quality. As means over these "
        "pictures, against plain JPEG at the same score:\n\n"
        + "\n".join(said)
        + "\n\nAn asterisk marks what no quality of the encoder "
        "reaches for at least one picture, by more than a point: the figure is extrapolated. WebP has colours at half resolution "
        "only, which limits how far up it goes. Against JPEGs as cameras write them (quality 95 and more) every format saves far more, "
        "but then quality is given away too."
    )


def _large(large: Sequence[Large]) -> str:
    lines_ = [
        "| original | made of | Mpx | format | preset | quality | score | result | of the original | to beat | CPU s |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for each in large:
        seed = SEED_MB[each.format, min((8, 18, 30), key=lambda size: abs(size - each.original_bytes / MB))]
        verdict = "" if each.size_bytes < seed * MB and each.score >= LEAST_SCORE else ", not beaten"
        lines_.append(
            f"| {each.original_bytes / MB:.1f} MB | {each.made_of} | {each.megapixels:.0f} | {each.format} | {each.setting} | {each.quality} | "
            f"{each.score:.1f} | {each.size_bytes / MB:.2f} MB | {100 * each.size_bytes / each.original_bytes:.0f} % | "
            f"{seed:g} MB{verdict} | {each.cpu_s:.1f} |"
        )
    return "\n".join(lines_)


def _presets() -> str:
    lines_ = ["| format | preset | the encoder is told, at `quality/80` |", "|---|---|---|"]
    for setting in SETTINGS:
        options = formats.save_options(setting.format, setting.encoding(80))
        told = ", ".join(f"{name}={_plain(value)}" for name, value in options.items())
        lines_.append(f"| {setting.format} | {_preset_name(setting.format, setting.name)} | `{told}` |")
    return "\n".join(lines_)


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return "(" + ", ".join(f"{name}={text}" for name, text in value.items()) + ")"
    return str(value).lower() if isinstance(value, bool) else str(value)


def plotted(over_kodak: Rows, kodak: Sequence[Picture]) -> Mapping[str, str]:
    """The plots by file name."""
    row_of = {row.key: row for (target, *_), row in over_kodak.items() if target == 80}
    named = {(format_, _preset_name(format_, name)): row for (format_, name), row in row_of.items()}
    cpu_and_bytes = dots(
        "At the score of a plain JPEG of quality 80",
        Axis("CPU seconds a megapixel, one core", (0.005, 0.01, 0.03, 0.1, 0.3, 1, 3, 10), logarithmic=True),
        Axis("percent fewer bytes", (0, 10, 20, 30, 40)),
        {key: (max(0.005, row.cpu_s_per_mp), row.saved_percent) for key, row in named.items()},
    )
    targets = sorted({target for target, *_ in over_kodak})
    drawn = {("jpeg", "plain"): _points(over_kodak, targets, ("jpeg", "realtime"), kodak, plain=True)}
    for setting in SETTINGS:
        key = (setting.format, setting.name)
        if setting.name in ("realtime", "best", "best, small") and key != ("jpeg", "realtime"):
            drawn[setting.format, _preset_name(*key)] = _points(over_kodak, targets, key, kodak)
    curves = lines(
        f"{len(kodak)} Kodak pictures, means",
        Axis("bits a pixel", (0.3, 0.5, 0.7, 1, 1.5, 2, 3), logarithmic=True),
        Axis("SSIMULACRA2", (50, 60, 70, 80, 90)),
        drawn,
    )
    return {"bytes-and-cpu.svg": cpu_and_bytes, "score-and-bits.svg": curves}


def _points(
    over: Rows, targets: Sequence[int], key: tuple[str, str], kodak: Sequence[Picture], *, plain: bool = False
) -> list[tuple[float, float]]:
    """Mean bits a pixel and mean score at each target, over those pictures that every target was tried with."""
    points = []
    for target in targets:
        equals = over[(target, *key)].equals
        equals = equals[:: len(equals) // len(kodak)]
        spent_bytes = [each.jpeg_bytes if plain else each.size_bytes for each in equals]
        bits = statistics.mean(8e-6 * size / each.megapixels for size, each in zip(spent_bytes, kodak, strict=True))
        points.append((bits, statistics.mean(plain_jpeg(each, target).score for each in kodak)))
    return points


__all__ = ["page", "plotted"]
