"""``format/svgc``: what is left of an SVG looks the same and can do no harm."""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
import pyvips
from drawings import CODED, DRAWINGS, HEAD, INNER, PICTURE, svg
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.codec.sniff import sniff
from proxy.codec.svg import clean, unpacked
from proxy.codec.svg.css import declarations, sheet
from proxy.codec.vips import probe, render
from proxy.core.model import ImageLimits
from proxy.errors import ImageResolutionExceed, ImageTooLarge, InvalidArgument, InvalidImageFormat
from proxy.ports import Job, Rendered

LIMITS = ImageLimits()
BODIES = {name: text.encode() for name, text in DRAWINGS.items()} | CODED
EVIL = "http://evil.example/x"

HOSTILE = {
    "script": "<script>evil()</script>",
    "script of another namespace": '<h:script xmlns:h="http://www.w3.org/1999/xhtml">evil()</h:script>',
    "script with a prefix": '<s:script xmlns:s="http://www.w3.org/2000/svg" href="data:,evil()"/>',
    "handler": '<rect onload="evil()" onclick="evil()" ONLOAD="evil()" onbegin="evil()"/>',
    "HTML": '<foreignObject><body xmlns="http://www.w3.org/1999/xhtml" onload="evil()"><img src="x"/></body></foreignObject>',
    "HTML elements in SVG": f'<iframe src="{EVIL}"/><embed src="{EVIL}"/><audio src="{EVIL}"/><form action="{EVIL}"/>',
    "script as a link": '<a href="javascript:evil()"><text>x</text></a><a xlink:href=" java&#10;script:evil()"/>',
    "script as a link in capitals": '<a href="JaVaScRiPt:evil()"/><a href="&#106;avascript:evil()"/>',
    "other links": f'<a href="{EVIL}"/><a href="data:text/html,evil"/><a href="//evil"/><a href="evil.svg#a"/>',
    "use": f'<use href="{EVIL}#a"/><use xlink:href="evil.svg#a"/><use href="data:image/svg+xml;base64,{INNER}#evil"/>',
    "two links": f'<use href="{EVIL}#a" xlink:href="#b"/><use xlink:href="{EVIL}#a" href="#b"/>',
    "pictures": f'<image href="{EVIL}"/><image xlink:href="file:///evil"/><image href="../evil.png"/><feImage href="{EVIL}"/>',
    "no pictures": '<image href="data:text/html,evil"/><image href="data:image/png,evil"/><image href="data:image/png;base64,ZXZpbA"/>',
    "a picture with a name": f'<image href="{PICTURE}#evil"/>',
    "SVG in a picture": "<image href=\"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' onload='evil()'/%3E\"/>",
    "animated links": f'<a><animate attributeName="href" to="{EVIL}"/><set attributeName="xlink:href" to="javascript:evil()"/></a>',
    "animated handler": '<rect><set attributeName="onclick" to="evil()"/><animate attributeName="onload" values="evil()"/></rect>',
    "animated style": f'<rect><set attributeName="style" to="fill:url({EVIL})"/><set to="evil" attributeName=" onload "/></rect>',
    "animated paint": f'<rect><animate attributeName="fill" values="red;url({EVIL})" to="url(\'{EVIL}\')"/></rect>',
    "paint": f'<rect fill="url({EVIL})" stroke="URL( \'{EVIL}#a\' )" mask="url(//evil)" filter="url(evil.svg#f)"/>',
    "escaped paint": '<rect fill="u\\72l(http://evil)" stroke="\\75 rl(//evil)" mask="url(\\68ttp://evil)"/>',
    "functions": f'<rect mask="image-set(\'{EVIL}\' 1x)" cursor="url({EVIL})" fill="src(\'{EVIL}\')" clip-path="-x-evil(1)"/>',
    "imports": f"<style>@import '{EVIL}'; @import url({EVIL}); @namespace a url({EVIL}); @charset 'evil'; a{{}}</style>",
    "fonts": f"<style>@font-face{{font-family:evil;src:url({EVIL})}} @font-face{{font-family:evil;src:local(x),url(evil.woff)}}</style>",
    "styles that load": f"<style>rect{{fill:url({EVIL})}} a{{background:url('{EVIL}')}} b{{mask:image-set('{EVIL}' 1x)}}</style>",
    "escaped styles": "<style>rect{fill:u\\72 l(//evil)} a{fill:\\75\\72\\6c(//evil)} @\\69mport '//evil';</style>",
    "styles that run": "<style>a{width:expression(evil())} b{behavior:url(evil.htc)} c{-moz-binding:url('evil#a')}</style>",
    "hidden styles": "<style>a{--x:url(//evil);fill:var(--x)} @media screen{b{fill:url(//evil)} @import '//evil';}</style>",
    "nested styles": "<style>a{ &amp; b { fill: url(//evil) } @media screen { fill: url(//evil) } }</style>",
    "style of another kind": '<style type="text/evil">a{}</style><style type="text/x-evil">a{}</style>',
    "style attributes": f"<rect style=\"fill:url({EVIL});background:image('{EVIL}');behavior:url(evil{{)\"/>",
    "elements in a style": f"<style>a{{fill:red}}<script>evil()</script><image href='{EVIL}'/></style>",
    "comments": "<!-- evil --><desc><!-- evil --></desc>",
    "instructions": "<?evil evil?><g><?xml-stylesheet href='evil.css'?></g>",
    "metadata": "<metadata>evil</metadata><x:evil xmlns:x='urn:evil' x:evil='evil'/><rect xmlns:x='urn:evil' x:href='evil'/>",
    "base": f'<g xml:base="{EVIL}"><use href="#a"/></g>',
    "text where none is": "<g>evil</g><defs>evil</defs>evil",
    "unknown": '<evil/><handler type="evil">evil</handler><listener event="evil"/><cursor href="evil.png"/><rect evil="evil"/>',
    "timing by keys": '<rect><animate attributeName="x" begin="accessKey(evil)"/></rect>',
    "control characters": "<style>a{font-family:'\\1 evil'}</style><rect style=\"font-family:'\\0001evil'\"/>",
}  # fmt: skip
"""Everything that must go holds the word evil."""


def cleaned(text: str | bytes) -> bytes:
    return clean(unpacked(text if isinstance(text, bytes) else text.encode()), sniff)


def made(body: bytes, operation: str, format_: str) -> Rendered:
    return render(body, probe(body, LIMITS), Job(plan_text=operation, format=format_, limits=LIMITS))


def pixels(body: bytes, operation: str = "imageMogr2") -> pyvips.Image:
    return pyvips.Image.pngload_buffer(made(body, operation, "png").body)


def difference(one: pyvips.Image, other: pyvips.Image) -> float:
    assert (one.width, one.height, one.bands) == (other.width, other.height, other.bands)
    return float((one.cast("short") - other.cast("short")).abs().max())


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("operation", ["imageMogr2", "imageMogr2/thumbnail/x250"])
def test_it_looks_the_same(name: str, operation: str) -> None:
    assert difference(pixels(BODIES[name], operation), pixels(cleaned(BODIES[name]), operation)) <= 1


@pytest.mark.parametrize("name", BODIES)
def test_it_is_small_and_cleaning_it_again_changes_nothing(name: str) -> None:
    once = cleaned(BODIES[name])
    assert cleaned(once) == once
    assert sniff(once) == "svg"
    assert len(once) <= len(unpacked(BODIES[name])) + 20
    assert b"<!" not in once
    assert b"<?" not in once


@pytest.mark.parametrize("name", HOSTILE)
def test_what_runs_loads_or_links_out_is_gone(name: str) -> None:
    once = cleaned(svg(HOSTILE[name] + '<rect id="good" fill="red"/>'))
    assert b"evil" not in once.lower()
    assert b'<rect id="good" fill="red"/>' in once
    assert cleaned(once) == once
    for element in ET.fromstring(once).iter():
        assert element.tag.startswith("{http://www.w3.org/2000/svg}")
        assert not any(attribute.startswith("on") for attribute in element.attrib)


@pytest.mark.parametrize(
    "inside",
    [
        '<use href="#a"/>', '<a href="#a"><rect/></a>', '<rect fill="url(#a)"/>', f'<image href="{PICTURE}"/>',
        "<style>.a{fill:url(#a);mask:url(#b) luminance}</style>", '<rect style="fill:url(#a) red;--x:3px"/>',
        '<rect><animate attributeName="fill" values="red;url(#a)" dur="1s"/></rect>', "<title>a &lt; b</title>",
        "<style>@font-face{font-family:f;src:url(data:font/woff2;base64,d09GMgAB)}</style>",
        "<style>@keyframes k{from{opacity:0}50%{opacity:1}}.a{animation:k 2s linear infinite}</style>",
        "<style>@media (prefers-color-scheme:dark){rect{fill:#fff}}</style>", '<rect aria-label="a" data-x="1" role="img"/>',
        "<text>a <tspan>b</tspan> c</text>", '<g transform="matrix(1 0 0 1 5 5) rotate(3)"/>',
        '<filter id="f"><feImage href="#a"/></filter>', '<rect style="transform:rotate(calc(1deg * 3))"/>',
    ],
)  # fmt: skip
def test_what_is_good_and_small_stays_as_it_is(inside: str) -> None:
    assert cleaned(f'<svg xmlns="http://www.w3.org/2000/svg">{inside}</svg>').decode() == (
        f'<svg xmlns="http://www.w3.org/2000/svg">{inside}</svg>'
    )


def test_pictures_of_pictures_are_cleaned_to_a_depth() -> None:
    text = svg("<script>evil()</script><rect/>").encode()
    for depth in range(1, 4):
        text = svg(f'<image href="data:image/svg+xml;base64,{base64.b64encode(text).decode()}"/>').encode()
        once, levels = cleaned(text), 0
        while found := re.search(rb"base64,([^\"]+)", once):
            once, levels = base64.b64decode(found[1]), levels + 1
        assert levels == 1
        assert (b"<rect/>" in once) == (depth == 1)
        assert b"evil" not in once
    with pytest.raises(InvalidImageFormat) as caught:
        probe(text, LIMITS)
    assert "carries pictures that carry pictures" in caught.value.public


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (svg("<g>" * 100_000 + "</g>" * 100_000), InvalidImageFormat),
        (svg("<g>" * 100_000), InvalidImageFormat),
        (svg("<g/>" * 200_001), InvalidImageFormat),
        (svg("<g " + " ".join(f'a{n}=""' for n in range(1_001)) + "/>"), InvalidImageFormat),
        (svg(f'<g xmlns="{"a" * 2_000}"/>'), InvalidImageFormat),
        (svg("&evil;"), InvalidImageFormat),
        ("<!DOCTYPE svg SYSTEM 'http://evil.example/svg.dtd'>" + svg("&evil;"), InvalidImageFormat),
        (f"<!DOCTYPE svg [<!ENTITY a '<g/>'>]>{svg('&a;')}", InvalidImageFormat),
        (f"<!DOCTYPE svg [<!ENTITY a 'x'><!ENTITY b '&a;&a;'>]>{svg('&b;')}", InvalidImageFormat),
        (f"<!DOCTYPE svg [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>{svg('&a;')}", InvalidImageFormat),
        (f"<!DOCTYPE svg [<!ENTITY % a SYSTEM 'http://evil.example/'>%a;]>{svg()}", InvalidImageFormat),
        (f"<!DOCTYPE svg [<!ENTITY a '{'x' * 1_000}'>]>{svg('<text>' + '&a;' * 8_001 + '</text>')}", InvalidImageFormat),
        ("<!DOCTYPE svg [" + "".join(f"<!ENTITY a{n} ''>" for n in range(101)) + f"]>{svg()}", InvalidImageFormat),
        ('<?xml version="1.0" encoding="UTF-7"?>' + svg(), InvalidImageFormat),
        (f"{HEAD}", InvalidImageFormat),
        ("<svg/>", InvalidImageFormat),
        (svg(attributes='a="' + "<"), InvalidImageFormat),
        ("<svg xmlns='http://www.w3.org/1999/xhtml'/>", InvalidImageFormat),
        ("\ufeff".encode("utf-16") + b"<\x00s\x00v\x00g\x00/\x00>", InvalidImageFormat),
        (CODED["gzip"][:-12], InvalidImageFormat),
    ],
    ids=range(20),
)  # fmt: skip
def test_what_is_beyond_bounds_is_refused_before_anything_is_drawn(body: str | bytes, error: type[Exception]) -> None:
    body = body if isinstance(body, bytes) else body.encode()
    with pytest.raises(error):
        cleaned(body)
    with pytest.raises(error):
        probe(body, LIMITS)


@pytest.mark.parametrize(
    "text",
    [
        svg("<style>" + ":not(" * 20_000 + "g" + ")" * 20_000 + "{fill:red}</style>"), svg(f'<rect fill="{"(" * 50_000}"/>'),
        svg("<style>" + "a{" * 20_000 + "</style>"), svg("<style>@import url(data:text/css,evil);</style>"),
        "<?xml-stylesheet href='data:text/css,evil'?>" + svg(),
    ],
    ids=range(5),
)  # fmt: skip
def test_styles_that_would_crash_librsvg_are_refused(text: str) -> None:
    with pytest.raises(InvalidImageFormat) as caught:
        probe(text.encode(), LIMITS)
    assert caught.value.public == "The styles of the SVG are too involved."
    assert b"evil" not in cleaned(text)


def test_deep_brackets_are_left_out() -> None:
    deep = "(" * 100_000
    assert declarations(f"fill:{deep};stroke:red", lambda _: None) == ""
    assert sheet(f"a{{fill:{deep}}}", lambda _: None) == ""
    assert b"fill" not in cleaned(svg(f'<rect fill="{deep}"/><style>a{{fill:{"[" * 50_000}</style>'))


@pytest.mark.parametrize(
    "operation", ["thumbnail/10x/format/svgc", "format/svgc|watermark/2/text/YQ", "rotate/90/format/svg"]
)
def test_lines_are_not_painted_on(operation: str) -> None:
    with pytest.raises(InvalidArgument):
        made(BODIES["shapes"], f"imageMogr2/{operation}", "svg")


def test_only_svg_becomes_svg() -> None:
    from pictures import png

    with pytest.raises(InvalidImageFormat) as caught:
        made(png(8, 8), "imageMogr2/format/svgc", "svg")
    assert caught.value.public == "format/svgc: the picture is png, not SVG."
    with pytest.raises(InvalidImageFormat):
        made(BODIES["shapes"], "imageMogr2/format/svgc/AIGCMetadata/Label/YQ", "svg")


def test_the_original_never_answers_in_its_place() -> None:
    body = svg("<script>evil()</script><rect/>").encode()
    for operation in ("imageMogr2/format/svgc/minsize/1", "imageSlim"):
        result = made(body, operation, "svg")
        assert b"evil" not in result.body
        assert not result.original
    assert made(body, "imageMogr2/thumbnail/400x/minsize/1", "png").format == "png"


@settings(max_examples=300)
@given(
    st.lists(
        st.sampled_from(
            ["url(", "'", '"', "(", ")", "{", "}", ";", ":", "\\", "/*", "*/", "#a", "//evil", " ", "a", "fill", "@import",
             "@media", "<!--", "-->", "u\\72l(", "\\a ", "image-set(", "http:", "!important", ",", "<", "&", "\n"]
        ),
        max_size=25,
    ).map("".join)
)  # fmt: skip
def test_no_style_whatsoever_loads_anything(text: str) -> None:
    for cleaner, given_text in ((declarations, text), (sheet, text), (sheet, f"a{{{text}}}")):
        kept = cleaner(given_text, lambda _: None)
        assert not re.search(r"(?i)(?:url|image|image-set|src)\((?!#)", re.sub(r"'[^']*'|\"[^\"]*\"", "", kept))
        assert "@import" not in kept.lower() or re.search(r"['\"].*@import", kept)
        assert cleaner(kept, lambda _: None) == kept or "{" not in kept


def test_every_svg_we_know_looks_the_same(needs_shared: Callable[[str], Path]) -> None:
    changed = {}
    for path in sorted(needs_shared("images/formats/svg").iterdir()):
        body = path.read_bytes()
        if path.name in ("ipx__xss.svg", "imgproxy__test1.svg"):
            continue  # their handlers and links draw something themselves
        changed[path.name] = difference(pixels(body), pixels(cleaned(body)))
    assert len(changed) > 8
    assert max(changed.values()) <= 1, changed


def test_every_hostile_svg_we_know_is_refused_or_harmless(needs_shared: Callable[[str], Path]) -> None:
    paths = sorted(needs_shared("images/hostile/generated").glob("*svg*"))
    refused = set()
    for path in paths:
        try:
            once = cleaned(path.read_bytes())
            probe(path.read_bytes(), LIMITS)
        except (InvalidImageFormat, ImageTooLarge, ImageResolutionExceed):
            refused.add(path.name)
            continue
        assert not re.search(
            rb"(?i)127\.0\.0\.1|169\.254|passwd|file:|script|onload|alert|<!|<\?|import|include", once
        ), path.name
    assert {
        "svg_billion_laughs.svg",
        "svg_deep_nesting_60000.svg",
        "svg_use_bomb.svg",
        "svgz_bomb_500MB.svgz",
    } <= refused
    assert len(paths) - len(refused) > 15
