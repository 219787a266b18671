from __future__ import annotations

import pytest

from proxy.core.grammar import format_plan, parse_plan
from proxy.core.hints import NO_HINTS, Hints, fill, read_hints, thrifty


@pytest.mark.parametrize(("fields", "hints"), [
    ({}, NO_HINTS),
    ({"sec-ch-dpr": "2"}, Hints(dpr=2)), ({"sec-ch-dpr": "2.625"}, Hints(dpr=3)), ({"sec-ch-dpr": " 1.0 "}, Hints(dpr=1)),
    ({"sec-ch-dpr": "0.5"}, Hints(dpr=1)), ({"sec-ch-dpr": "1.1"}, Hints(dpr=1.5)), ({"sec-ch-dpr": "9"}, Hints(dpr=4)),
    ({"sec-ch-width": "1"}, Hints(width_px=160)), ({"sec-ch-width": "640"}, Hints(width_px=640)),
    ({"sec-ch-width": "641"}, Hints(width_px=800)), ({"sec-ch-width": "999999"}, Hints(width_px=3840)),
    ({"save-data": "on"}, Hints(save_data=True)), ({"save-data": "On"}, Hints(save_data=True)),
    ({"save-data": "off"}, NO_HINTS), ({"save-data": ""}, NO_HINTS), ({"save-data": "1"}, NO_HINTS),
    *(({name: value}, NO_HINTS)
      for name in ("sec-ch-dpr", "sec-ch-width")
      for value in ("", "0", "-1", "x", "1e3", "٢", "nan", "inf", "9" * 400, "2, 3", "0.0")),
])  # fmt: skip
def test_hints_come_in_few_steps_and_nonsense_says_nothing(fields: dict[str, str], hints: Hints) -> None:
    assert read_hints(fields) == hints


@pytest.mark.parametrize(("operation", "filled", "plain", "used"), [
    ("imageMogr2/thumbnail/300x/dpr/auto", "imageMogr2/thumbnail/300x/dpr/1.5", "imageMogr2/thumbnail/300x", ("Sec-CH-DPR",)),
    ("imageMogr2/thumbnail/auto/format/auto", "imageMogr2/thumbnail/640x9999>/format/auto", "imageMogr2/format/auto", ("Sec-CH-Width",)),
    ("imageMogr2/dpr/auto/thumbnail/auto", "imageMogr2/thumbnail/640x9999>", "imageMogr2", ("Sec-CH-DPR", "Sec-CH-Width")),
    ("imageMogr2/thumbnail/auto|imageMogr2/dpr/auto/cut/5x5", "imageMogr2/thumbnail/640x9999>|imageMogr2/dpr/1.5/cut/5x5",
     "imageMogr2|imageMogr2/cut/5x5", ("Sec-CH-Width", "Sec-CH-DPR")),
    ("imageMogr2/format/auto", "imageMogr2/format/auto", "imageMogr2/format/auto", ()),
    ("imageMogr2/auto-orient/thumbnail/5x", "imageMogr2/auto-orient/thumbnail/5x", "imageMogr2/auto-orient/thumbnail/5x", ()),
    ("watermark/2/dpr/auto", "watermark/2/dpr/auto", "watermark/2/dpr/auto", ()),
])  # fmt: skip
def test_only_what_asks_for_a_hint_follows_it(operation: str, filled: str, plain: str, used: tuple[str, ...]) -> None:
    assert fill(operation, Hints(dpr=1.5, width_px=640, save_data=True)) == (filled, used)
    assert fill(operation, NO_HINTS) == (plain, used)
    assert parse_plan(filled.replace("watermark/2/dpr/auto", "imageMogr2"))


@pytest.mark.parametrize(("operation", "frugal"), [
    ("imageMogr2/format/auto", "imageMogr2/format/auto/quality/60"),
    ("imageMogr2/format/auto/quality/80", "imageMogr2/format/auto/quality/60"),
    ("imageView2/1/w/5/format/auto|imageMogr2/strip", "imageView2/1/w/5/h/5/format/auto|imageMogr2/quality/60/strip"),
    ("imageView2/1/w/5/format/auto", "imageView2/1/w/5/h/5/format/auto/q/60"),
    ("imageMogr2/format/auto/quality/90!", "imageMogr2/format/auto/quality/90!"),
    ("watermark/2/text/5pWw", "imageMogr2/quality/60|watermark/2/text/5pWw"),
    ("imageMogr2/format/auto/quality/auto", "imageMogr2/format/auto/quality/auto:67"),
    ("imageMogr2/quality/auto:50|imageMogr2/format/auto", "imageMogr2/quality/auto:50|imageMogr2/format/auto"),
])  # fmt: skip
def test_saving_data_bounds_the_quality(operation: str, frugal: str) -> None:
    plan = thrifty(parse_plan(operation))
    assert format_plan(plan) == frugal
    assert parse_plan(frugal) == plan, "the codec reads the text"


@pytest.mark.parametrize(("operation", "quality"), [
    ("imageMogr2/format/auto", 60), ("imageMogr2/format/auto/quality/95/rquality/50", 43), ("imageMogr2/format/auto/quality/40", 40), ("imageMogr2/format/auto/quality/90!", 90),
    ("|".join(["watermark/2/text/5pWw"] * 10), 85),
])  # fmt: skip
def test_saving_data_never_raises_the_quality(operation: str, quality: int) -> None:
    plan = thrifty(parse_plan(operation))
    assert parse_plan(format_plan(plan)).quality(85) == quality
