"""An SVG is drawn at the size that is needed, which is the one that was measured."""

from __future__ import annotations

import base64
import itertools

import pytest
import pyvips
from drawings import CODED, DRAWINGS, svg
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pictures import encoded
from PIL import Image

from proxy.codec import libvips
from proxy.codec.cost import render_s
from proxy.codec.vips import probe, render
from proxy.core.model import ImageLimits
from proxy.errors import ImageResolutionExceed, ImageTooLarge, InvalidArgument, InvalidImageFormat
from proxy.ports import Job

LIMITS = ImageLimits()
LINES = svg(
    '<rect x="10" y="10" width="40" height="20" fill="red"/><path d="M0 40L60 0" stroke="black" stroke-width="0.2"/>',
    'width="60" height="40"',
)


def drawn(text: str | bytes, operation: str = "imageMogr2", limits: ImageLimits = LIMITS) -> pyvips.Image:
    body = text.encode() if isinstance(text, str) else text
    result = render(body, probe(body, limits), Job(plan_text=operation, format="png", limits=limits))
    image = pyvips.Image.pngload_buffer(result.body)
    assert (image.width, image.height) == (result.frame.width_px, result.frame.height_px)
    return image


def size(text: str | bytes, operation: str = "imageMogr2") -> tuple[int, int]:
    image = drawn(text, operation)
    return image.width, image.height


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("only a viewBox", (100, 50)), ("a moved viewBox", (60, 40)), ("per cent", (60, 40)), ("one side", (90, 180)),
        ("no size at all", (300, 150)), ("fractions", (100, 51)), ("meet", (90, 40)), ("inches", (96, 48)),
        ("millimetres", (151, 76)), ("centimetres", (151, 94)), ("points", (96, 48)), ("picas", (96, 64)),
    ],
)  # fmt: skip
def test_sizes_are_those_of_css(name: str, wanted: tuple[int, int]) -> None:
    assert size(DRAWINGS[name]) == wanted


@pytest.mark.parametrize(
    ("attributes", "wanted"),
    [
        ('width="100%" height="100%"', (300, 150)), ('width="80"', (80, 150)), ('height="2in"', (300, 192)), ('width="0" height="0"', (300, 150)),
        ('viewBox="0 0 0 0"', (300, 150)), ('width="-5" height="nan" viewBox="0,0,20,10"', (20, 10)),
        ('width="1e308" height="1e308" viewBox="0 0 7 9"', (7, 9)), ('width="50" viewBox="0 0 1 2"', (50, 100)),
    ],
)  # fmt: skip
def test_what_has_no_size_gets_that_of_browsers(attributes: str, wanted: tuple[int, int]) -> None:
    assert size(svg("", attributes)) == wanted


@pytest.mark.parametrize("name", ["UTF-16", "UTF-16 big", "Latin 1", "BOM"])
def test_what_has_no_size_gets_it_in_any_encoding(name: str) -> None:
    text = CODED[name]
    for codec in ("utf-16", "utf-16-be", "latin-1"):
        sized = 'width="120" height="80"'.encode(codec).removeprefix(b"\xff\xfe")
        text = text.replace(sized, "".encode(codec).removeprefix(b"\xff\xfe"))
    assert size(text) == (300, 150)
    assert drawn(text).extract_band(3).max() == 255


def test_it_is_drawn_and_not_enlarged() -> None:
    four_times = LINES.replace('width="60" height="40"', 'width="240" height="160" viewBox="0 0 60 40"')
    enlarged = drawn(LINES, "imageMogr2/thumbnail/240x")
    assert (enlarged.cast("short") - drawn(four_times).cast("short")).abs().max() <= 1
    blurred = drawn(LINES).resize(4).cast("short")
    assert (blurred - enlarged.cast("short")).abs().max() > 100


def test_edges_stay_sharp_where_they_fall_on_pixels() -> None:
    half = drawn(
        svg('<rect x="10" y="10" width="40" height="20" fill="red"/>', 'width="60" height="40"'),
        "imageMogr2/thumbnail/!50p",
    )
    assert half(4, 10)[3] == 0
    assert half(5, 5) == [255, 0, 0, 255]
    assert half.extract_band(3).hist_find()(128, 0) == [0]
    assert {int(half(x, y)[3]) for x, y in itertools.product(range(30), range(20))} == {0, 255}


@settings(max_examples=150, deadline=None)
@given(
    width=st.floats(1, 400).map(lambda number: round(number, 3)), height=st.floats(1, 400).map(lambda number: round(number, 3)),
    form=st.sampled_from(['width="{0}" height="{1}"', 'viewBox="0 0 {0} {1}"', 'width="{0}mm" height="{1}pt"', 'width="{0}" viewBox="0 0 {0} {1}"']),
    operation=st.sampled_from(
        ["thumbnail/{0}x", "thumbnail/x{0}", "thumbnail/{0}x{1}", "thumbnail/{0}x{1}!", "thumbnail/!{0}x{1}r", "thumbnail/!{0}p",
         "thumbnail/!{0}px", "crop/{0}x{1}/gravity/center", "thumbnail/{0}x{1}/pad/1", "thumbnail/{0}x/rotate/90", "cut/{0}x{1}x0x0",
         "dpr/2/thumbnail/{0}x", "iradius/{0}", "thumbnail/{1}@"]
    ),
    first=st.integers(1, 300), second=st.integers(1, 300),
)  # fmt: skip
def test_what_is_painted_is_what_was_measured(
    width: float, height: float, form: str, operation: str, first: int, second: int
) -> None:
    """``render`` itself compares; 400 for sides under half a pixel."""
    text = svg('<rect width="90%" height="90%"/>', form.format(width, height))
    try:
        drawn(text, "imageMogr2/" + operation.format(first, second))
    except InvalidArgument:
        assume(False)
    except (InvalidImageFormat, ImageResolutionExceed):
        assert min(width, height) < 20


def test_a_side_that_is_less_than_a_pixel_becomes_one() -> None:
    text = svg('<rect width="90%" height="90%"/>', 'width="20" height="41"')
    assert size(text, "imageMogr2/thumbnail/x1") == (1, 1)
    assert size(text, "imageMogr2/thumbnail/x41") == (20, 41)


def test_a_stretched_picture_costs_no_more_than_a_few_times_what_it_ends_with() -> None:
    assert size(LINES, "imageMogr2/thumbnail/5x9000!") == (5, 9000)
    tall = drawn(LINES, "imageMogr2/thumbnail/200x100!")
    assert tall(50, 35) == [255, 0, 0, 255]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (svg("", 'width="30001" height="10"'), ImageResolutionExceed),
        (svg("", 'width="20000" height="20000"'), ImageResolutionExceed),
        (svg("", 'width="1000000000000" height="10"'), (ImageResolutionExceed, InvalidImageFormat)),
        (svg("", 'viewBox="0 0 1e9 1e9"'), (ImageResolutionExceed, InvalidImageFormat)),
        (svg("", 'width="0.1" height="0.1"'), InvalidImageFormat),
        (svg("<style>svg{width:1e9px;height:9px}</style>", 'width="9" height="9"'), (ImageResolutionExceed, InvalidImageFormat)),
        (svg("<style>:root{width:40000px}</style>", 'width="9" height="9"'), ImageResolutionExceed),
        (svg("", f'width="1{"0" * 2000}" height="9"'), InvalidImageFormat),
    ],
    ids=range(8),
)  # fmt: skip
def test_sizes_are_checked_before_anything_is_drawn(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        probe(text.encode(), LIMITS)


def test_pictures_within_count_by_their_own_size() -> None:
    body = encoded(Image.new("L", (3000, 2000)), "PNG")
    text = svg(f'<image width="9" height="9" href="data:image/png;base64,{base64.b64encode(body).decode()}"/>' * 2)
    probe(text.encode(), LIMITS)
    for most in (5_999_999, 11_999_999):
        with pytest.raises(ImageResolutionExceed):
            probe(text.encode(), ImageLimits(max_pixels=most))
    probe(text.encode(), ImageLimits(max_pixels=12_000_000))
    broken = svg('<image href="data:image/png;base64,iVBORw0KGgo="/><rect width="9" height="9"/>')
    assert drawn(broken).extract_band(3).max() == 255


def test_use_is_counted_before_it_is_followed() -> None:
    bomb = svg(
        '<g id="a0"><rect/></g>'
        + "".join(f'<g id="a{n + 1}">{f"""<use href="#a{n}"/>""" * 10}</g>' for n in range(9))
        + '<use href="#a9"/>'
    )
    with pytest.raises(InvalidImageFormat) as caught:
        probe(bomb.encode(), LIMITS)
    assert "by use" in caught.value.public
    circle = svg(
        '<g id="a"><use href="#b"/></g><g id="b"><use href="#a"/></g><use href="#a"/><use href="#none"/><use id="c" href="#c"/>'
    )
    probe(circle.encode(), LIMITS)
    chain = svg("".join(f'<g id="a{n}"><use href="#a{n + 1}"/></g>' for n in range(30_000)))
    with pytest.raises(InvalidImageFormat):
        probe(chain.encode(), LIMITS)
    many = svg('<symbol id="s"><rect/><rect/></symbol>' + '<use href="#s"/>' * 20_000)
    probe(many.encode(), LIMITS)


def test_unpacked_bytes_count() -> None:
    import gzip

    with pytest.raises(ImageTooLarge):
        probe(gzip.compress(svg(" " * 2_000_000).encode()), ImageLimits(max_source_bytes=1_000_000))


def test_text_is_drawn_with_fonts_of_ours() -> None:
    for family in ("Arial", "sans-serif", "No Such Font"):
        plain = svg(f'<text x="5" y="40" font-size="30" font-family="{family}">Hgx</text>')
        assert 5 < drawn(plain).extract_band(3).avg() < 60
        assert drawn(plain.replace("<text", '<text font-weight="bold"')).avg() > drawn(plain).avg()


def test_a_build_without_librsvg_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        libvips, "_LOADERS", {name: loader for name, loader in libvips._LOADERS.items() if name != "svg"}
    )
    with pytest.raises(InvalidImageFormat) as caught:
        probe(LINES.encode(), LIMITS)
    assert caught.value.public == "This server cannot read svg."


def test_what_it_costs_follows_what_is_drawn() -> None:
    traits = probe(LINES.encode(), LIMITS)
    small, large = (
        render_s(traits, Job(plan_text=f"imageMogr2/thumbnail/{width}x", format="png", limits=LIMITS))
        for width in (60, 6000)
    )
    assert small < 0.02
    assert 1 < large < 10
    assert render_s(traits, Job(plan_text="imageMogr2/format/svgc", format="svg", limits=LIMITS)) < 0.01
