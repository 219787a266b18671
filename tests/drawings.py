"""Small SVG files, one for each thing that SVG can do and a cleaner could spoil; written for these tests, CC0."""

from __future__ import annotations

import base64
import gzip

from pictures import png

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
PICTURE = "data:image/png;base64," + base64.b64encode(png(40, 24)).decode()
INNER = base64.b64encode(
    b'<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20"><circle cx="10" cy="10" r="9" fill="teal"/></svg>'
).decode()


def svg(inside: str = "", attributes: str = 'width="120" height="80"') -> str:
    return f"{HEAD}{attributes}>{inside}</svg>"


def units(unit: str, width: str, height: str) -> str:
    return svg('<rect width="50%" height="50%" fill="navy"/>', f'width="{width}{unit}" height="{height}{unit}"')


DRAWINGS: dict[str, str] = {
    "shapes": svg(
        '<rect x="1.50" y="+2.0" width="030.000" height="20" rx="4.0" fill="#aabbcc" stroke="#112233" stroke-width="0.50"/>'
        '<circle cx="60" cy="20" r="1.5e1" fill="orange"/><ellipse cx="95" cy="20" rx="20" ry="10"/>'
        '<line x1="0" y1="70" x2="120" y2="60" stroke="red"/>'
        '<polyline points="5,50, 20,60  35,50" fill="none" stroke="green"/>'
        '<polygon points=" 50 50  65 75\n80 50 " fill="purple"/>'
    ),
    "paths": svg(
        '<path d="M 10 , 10 L 30 10 L 30 30 L 10 30 Z" fill="crimson"/>'
        '<path d="M10,40a10,10 0 1,0 20,0a10 10 0 0020 0" fill="none" stroke="black"/>'
        '<path d="m 60 10 c 10 -10 20 30 30 0 s 20 -10 30 0 S 100.5000 60.0 110 70 q -5-5-10 0 t -10 0 T 70 70 H 60 h -5.0 V 40 v-.5.5"'
        ' fill="none" stroke="blue" stroke-width="2"/>'
        '<path d="M1e1 7.5e1h1E1" stroke="lime" stroke-width="3"/>'
        '<path d="M0.000000123456789123 0 L 123.45678901234567 79.99999999999999" stroke="grey"/>'
    ),
    "paths with mistakes": svg(
        '<path d="M10 10 L 40 10 L 40 L 60 60" stroke="black" fill="none"/><path d="M10,,20 L 60 60" stroke="red"/>'
        '<path d="M 10 30 L 60 30 x 90 90" stroke="blue"/><path d="20 20 L 90 90" stroke="green"/>'
        '<path d="M5 70 a 5 5 0 2 0 20 0" stroke="green"/><path d="M 70 70 H 90 H" stroke="green"/>'
        '<polygon points="1,2,,3 4 9,9 60,60" fill="gold"/><rect width="1 0" height="10"/>'
    ),
    "gradients": svg(
        '<defs><linearGradient id="a" x1="0%" x2="100%"><stop offset="0.0" stop-color="#ff0000"/>'
        '<stop offset="100%" stop-color="#0000ff" stop-opacity="0.50"/></linearGradient>'
        '<radialGradient id="b" xlink:href="#a" gradientUnits="userSpaceOnUse" cx="90" cy="40" r="30"'
        ' gradientTransform="rotate( 45 , 90 , 40 ) scale(1.0 , 0.80)"/></defs>'
        '<rect width="55" height="80" fill="url(#a)"/><rect x="60" width="60" height="80" fill="url( \'#b\' ) red"/>'
    ),
    "clips, masks and patterns": svg(
        '<clipPath id="c"><circle cx="30" cy="40" r="25"/></clipPath>'
        '<mask id="m"><rect width="120" height="80" fill="white"/><circle cx="90" cy="40" r="15" fill="black"/></mask>'
        '<pattern id="p" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(30)">'
        '<path d="M0 4h8" stroke="navy" stroke-width="3"/></pattern>'
        '<g clip-path="url(#c)"><rect width="60" height="80" fill="url(#p)"/></g>'
        '<rect x="65" width="50" height="80" mask="url(#m)" fill="darkgreen"/>'
    ),
    "uses and symbols": svg(
        '<defs><symbol id="s" viewBox="0 0 10 10"><path d="M0 0L10 5L0 10Z"/></symbol><g id="g"><rect width="9" height="9"/></g>'
        '</defs><use href="#s" width="40" height="40" fill="tomato"/><use xlink:href="#s" x="50" width="20" height="20"/>'
        '<use xlink:href="#g" x="80" y="50" transform="skewX(10)"/><svg x="10" y="45" width="30" height="30" viewBox="0 0 3 3">'
        '<use href="#g" transform="scale(.1)"/></svg>'
    ),
    "filters": svg(
        '<filter id="f" x="-20%" y="-20%" width="140%" height="140%"><feGaussianBlur in="SourceAlpha" stdDeviation="2.0"/>'
        '<feOffset dx="3" dy="3.0" result="o"/><feFlood flood-color="#336699" flood-opacity=".8"/>'
        '<feComposite in2="o" operator="in"/><feMerge><feMergeNode/><feMergeNode in="SourceGraphic"/></feMerge></filter>'
        '<filter id="t"><feTurbulence baseFrequency="0.05 0.05" numOctaves="2" seed="3"/>'
        '<feColorMatrix type="matrix" values="1 0 0 0 0  0 1 0 0 0  0 0 1 0 0  0 0 0 0 1"/></filter>'
        '<rect x="10" y="10" width="40" height="40" fill="gold" filter="url(#f)"/>'
        '<rect x="65" y="10" width="50" height="60" filter="url(#t)"/>'
    ),
    "style sheets": svg(
        "<style type='text/css'>/* a comment */ @media screen { .a { fill : #ff8800 ; } }\n"
        ' rect.b > *, .b:not(.x), [data-k="v"] { fill: rgb(0, 128, 0) !important; stroke-width: calc(1px + 2px) }\n'
        " .c { fill: url(#g); font: bold 12px 'Liberation Sans', sans-serif } @import url(http://a.example/x.css);</style>"
        '<linearGradient id="g"><stop stop-color="red"/><stop offset="1" stop-color="blue"/></linearGradient>'
        '<rect class="a" width="40" height="40"/><rect class="b" x="45" width="30" height="40" stroke="black"/>'
        '<rect class="c" x="80" width="40" height="40"/><rect data-k="v" y="50" width="20" height="20" stroke="red"/>'
        '<rect y="50" x="40" width="30" height="20" style=" fill : teal ; stroke: red; ; stroke-width:2 ; nonsense"/>'
    ),
    "style in CDATA": svg(
        "<style><![CDATA[ svg > rect:first-of-type { fill: #0a0 } rect { fill: #00a } ]]></style>"
        '<rect width="50" height="50"/><rect x="60" width="50" height="50"/>'
    ),
    "text": svg(
        '<text x="5" y="20" font-family="Arial, sans-serif" font-size="16">Hg &amp; &lt;b&gt; \u00e9'
        '<tspan dx="4" font-weight="bold" fill="red">bold</tspan>\n  and  on</text>'
        '<text x="5" y="45" xml:space="preserve" font-size="12">a   b</text>'
        '<path id="p" d="M5 75q50-30 110 0" fill="none"/><text font-size="10"><textPath href="#p">along a path</textPath></text>'
        '<a href="https://a.example/"><text x="70" y="45" font-size="12">a <a href="#x">link</a></text></a>'
    ),
    "pictures": svg(
        f'<image href="{PICTURE}" width="60" height="36"/>'
        f'<image xlink:href="data:;base64,{PICTURE[22:]}" x="60" y="40" width="60" height="36" preserveAspectRatio="none"/>'
        f'<image href="data:image/svg+xml;base64,{INNER}" y="50" width="20" height="20"/>'
    ),
    "markers": svg(
        '<marker id="m" markerWidth="6" markerHeight="6" refX="3" refY="3" orient="auto"><path d="M0 0l6 3l-6 3z"/></marker>'
        '<path d="M10 10h60v40" fill="none" stroke="black" marker-end="url(#m)" marker-mid="url(#m)"/>'
    ),
    "dashes, joins and opacity": svg(
        '<path d="M10 10h100" stroke="black" stroke-dasharray="5 , 3 2" stroke-linecap="round" stroke-width="3"/>'
        '<g opacity="0.5000"><rect y="20" width="60" height="40" fill="red"/><rect x="30" y="30" width="60" height="40" fill="blue"/></g>'
        '<g style="mix-blend-mode:multiply;isolation:isolate"><circle cx="100" cy="50" r="15" fill="lime"/></g>'
    ),
    "switch": svg(
        '<switch><foreignObject requiredExtensions="http://a.example/ext" width="10" height="10"/>'
        '<g systemLanguage="xx"><rect width="9" height="9"/></g><g><rect width="50" height="50" fill="brown"/></g></switch>'
    ),
    "only a viewBox": svg('<circle cx="50" cy="25" r="25" fill="red"/>', 'viewBox="0 0 100 50"'),
    "a moved viewBox": svg('<circle r="20" fill="red"/>', 'viewBox=" -30 , -20.0 60 40.000"'),
    "per cent": svg('<rect width="50%" height="50%" fill="red"/>', 'width="100%" height="100%" viewBox="0 0 60 40"'),
    "one side": svg('<circle cx="5" cy="5" r="5" fill="red"/>', 'width="90" viewBox="0 0 10 20"'),
    "no size at all": svg('<rect x="5" y="5" width="30" height="15" fill="red"/>', ""),
    "fractions": svg('<rect width="100%" height="100%" fill="red"/>', 'width="100.4" height="50.6"'),
    "meet": svg('<rect width="10" height="10" fill="red"/>', 'width="90" height="40" viewBox="0 0 10 10"'),
    "slice": svg(
        '<circle cx="5" cy="5" r="5"/>',
        'width="90" height="40" viewBox="0 0 10 10" preserveAspectRatio="xMinYMax slice"',
    ),
    "stretched": svg(
        '<circle cx="5" cy="5" r="5"/>', 'width="90" height="40" viewBox="0 0 10 10" preserveAspectRatio="none"'
    ),
    "inches": units("in", "1", "0.5"),
    "millimetres": units("mm", "40", "20"),
    "centimetres": units("cm", "4", "2.5"),
    "points": units("pt", "72", "36"),
    "picas": units("pc", "6", "4"),
    "editors": (
        '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n<!-- by hand -->\n'
        '<svg:svg xmlns:svg="http://www.w3.org/2000/svg" xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape"'
        ' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" width="60" height="40" version="1.1" inkscape:version="1">'
        "<svg:metadata><rdf:RDF/></svg:metadata><inkscape:view/>"
        '<svg:g inkscape:label="Layer"><svg:rect width="30" height="30" fill="red"/></svg:g></svg:svg>'
    ),
    "Illustrator": (
        '<?xml version="1.0" encoding="iso-8859-1"?>\n'
        '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd" [\n'
        '  <!ENTITY ns_svg "http://www.w3.org/2000/svg">\n  <!ENTITY red "#ff0000">\n]>\n'
        '<svg xmlns="&ns_svg;" width="40" height="40"><rect width="30" height="30" fill="&red;"/></svg>'
    ),
    "nested deep": svg("<g>" * 200 + '<rect width="30" height="30"/>' + "</g>" * 200),
    "animated": svg(
        '<rect width="30" height="30" fill="red"><animate attributeName="x" from="0" to="90" dur="2s" begin="0s"/>'
        '<set attributeName="fill" to="blue" begin="1s"/></rect>'
    ),
}
"""By what is in them."""

CODED: dict[str, bytes] = {
    "gzip": gzip.compress(DRAWINGS["shapes"].encode()),
    "BOM": b"\xef\xbb\xbf" + DRAWINGS["shapes"].encode(),
    "UTF-16": ('<?xml version="1.0" encoding="UTF-16"?>' + DRAWINGS["text"]).encode("utf-16"),
    "UTF-16 big": ('<?xml version="1.0" encoding="UTF-16BE"?>' + DRAWINGS["text"]).encode("utf-16-be"),
    "Latin 1": ('<?xml version="1.0" encoding="ISO-8859-1"?>' + DRAWINGS["text"]).encode("latin-1"),
}
"""The same in other bytes."""
