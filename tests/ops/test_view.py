from __future__ import annotations

import pytest
from painting import TOOLS, difference, geometry, numbered, pages

from proxy.core.grammar import format_plan, parse_plan
from proxy.core.model import Frame
from proxy.errors import InvalidArgument
from proxy.ops.view import View

WIDE, TALL, SQUARE = (Frame(width_px=w, height_px=h) for w, h in ((1000, 500), (500, 1000), (600, 600)))


def view(text: str) -> View:
    """What ``<mode>[/w/<n>][/h/<n>]`` means."""
    mode, *rest = text.split("/")
    found = View.parse(mode, dict(zip(rest[::2], rest[1::2], strict=True)))
    assert found is not None
    return found


@pytest.mark.parametrize(("text", "frame", "size"), [
    # 0: the long edge at most w, the short one at most h
    ("0/w/400/h/300", WIDE, (400, 200)), ("0/w/400/h/300", TALL, (200, 400)), ("0/w/400/h/100", TALL, (100, 200)),
    ("0/w/400", WIDE, (400, 200)), ("0/w/400", TALL, (200, 400)), ("0/h/100", WIDE, (200, 100)), ("0/h/100", TALL, (100, 200)),
    ("0/w/2000/h/2000", WIDE, (1000, 500)), ("0/w/1001", WIDE, (1000, 500)),     # never enlarged
    ("0/w/300/h/400", SQUARE, (300, 300)), ("0/w/700/h/400", SQUARE, (400, 400)),
    # 1: exactly, whatever the picture's own sides
    ("1/w/500/h/400", WIDE, (500, 400)), ("1/w/300", WIDE, (300, 300)), ("1/h/300", TALL, (300, 300)),
    ("1/w/400/h/600", Frame(width_px=960, height_px=540), (400, 600)), ("1/w/1200/h/1300", SQUARE, (1200, 1300)),
    # 2: within w x h
    ("2/w/500/h/400", WIDE, (500, 250)), ("2/w/500/h/400", TALL, (200, 400)), ("2/h/250", WIDE, (500, 250)),
    ("2/w/250", TALL, (250, 500)), ("2/w/5000", TALL, (500, 1000)), ("2/w/5000/h/999", TALL, (500, 999)),
    # 3: at least w x h
    ("3/w/500/h/400", WIDE, (800, 400)), ("3/w/400", WIDE, (800, 400)), ("3/h/400", TALL, (400, 800)),
    ("3/w/2000/h/10", WIDE, (2000, 1000)),
    # 4: the long edge at least w, the short one at least h
    ("4/w/400/h/300", WIDE, (600, 300)), ("4/w/400/h/300", TALL, (300, 600)), ("4/w/300", WIDE, (600, 300)),
    ("4/w/300/h/400", SQUARE, (400, 400)),
    # 5: exactly, w along the long edge; a square's is its height
    ("5/w/400/h/300", WIDE, (400, 300)), ("5/w/400/h/300", TALL, (300, 400)), ("5/w/400/h/300", SQUARE, (300, 400)),
    ("5/h/300", WIDE, (300, 300)),
])  # fmt: skip
def test_each_mode_has_its_size(text: str, frame: Frame, size: tuple[int, int]) -> None:
    after = view(text).measure(frame)
    assert (after.width_px, after.height_px) == size


@pytest.mark.parametrize("mode", [1, 5])
def test_what_is_cut_away_lies_on_both_sides(mode: int) -> None:
    frame = Frame(width_px=90, height_px=30)
    painted = view(f"{mode}/w/30/h/30").apply(numbered(frame), frame, TOOLS)
    assert geometry(painted)[:2] == (30, 30)
    assert painted(0, 0)[:2] == [30, 0]
    assert painted(29, 29)[:2] == [59, 29]


def test_every_frame_of_an_animation_is_treated_alike_and_may_grow() -> None:
    frame = Frame(width_px=40, height_px=20, frames=3)
    image = view("1/w/30/h/30").apply(numbered(frame), frame, TOOLS)
    assert geometry(image) == (30, 30, 3, False)
    first, *others = pages(image)
    assert all(difference(first.extract_band(0), other.extract_band(0)) <= 1 for other in others)


def test_pixels_that_were_shrunk_on_load_are_cut_from_the_same_place() -> None:
    frame = Frame(width_px=200, height_px=100)
    whole = numbered(frame)
    for text in ("1/w/40/h/40", "5/w/40/h/30", "2/w/50"):
        assert difference(view(text).apply(whole.resize(0.5), frame, TOOLS), view(text).apply(whole, frame, TOOLS)) < 6


@pytest.mark.parametrize(("text", "canonical"), [
    ("imageView2/1/w/0300", "imageView2/1/w/300/h/300"),
    ("imageView/3/h/40/q/80", "imageView2/3/w/40/h/40/q/80"),
    ("imageView2/0/h/40/w/20/", "imageView2/0/w/20/h/40"),
    ("imageView2/2/h/40/format/jpg/interlace/1", "imageView2/2/h/40/format/jpeg/interlace/1"),
    ("imageView2/format/png", "imageMogr2/format/png"),
    ("imageView2/2/q/50!", "imageMogr2/quality/50!"),
    ("imageView2/2/w/5/rq/80/lq/40|imageView2/1/w/4", "imageView2/2/w/5/rq/80/lq/40|imageView2/1/w/4/h/4"),
    ("imageView2/2/w/5/ignore-error/1/unknown/7", "imageView2/2/w/5/ignore-error/1"),
    ("imageView2", "imageMogr2"),
])  # fmt: skip
def test_one_meaning_has_one_spelling(text: str, canonical: str) -> None:
    assert format_plan(parse_plan(text)) == canonical


@pytest.mark.parametrize(("text", "named"), [
    ("imageView2/6/w/5", "imageView2"), ("imageView2/-1/w/5", "imageView2"), ("imageView2/²/w/5", "imageView2"),
    ("imageView2/99999999999/w/5", "imageView2"), ("imageView2/w/5", "imageView2"), ("imageView2/1.0/w/5", "imageView2"),
    *((f"imageView2/2/{name}/{value}", name) for name in ("w", "h") for value in ("0", "-5", "", "1e3", "x", "9" * 40)),
    *((f"imageView2/2/w/5/{name}/{value}", name) for name in ("q", "rq", "lq") for value in ("-5", "", "101", "x", "9" * 40)),
    ("imageView2/2/w/5/format/nope", "format"), ("imageView2/2/w/5/ignore-error/2", "ignore-error"),
])  # fmt: skip
def test_what_is_malformed_is_refused_by_the_name_it_was_given(text: str, named: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse_plan(text)
    assert caught.value.public.startswith(f"{named}: ")


def test_clamping_reads_long_sides_as_the_limit() -> None:
    assert parse_plan("imageView2/1/w/20000/h/5", clamp_px=10_000) == parse_plan("imageView2/1/w/10000/h/5")
    assert view("2/h/20000").clamped(10_000) == view("2/h/10000")
