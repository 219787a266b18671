"""Negotiation: what real browsers, CDNs, bots and garbage are sent for each format that can be asked."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.fields.accept import parse_accept
from proxy.core.model import Frame, Offer
from proxy.core.negotiate import UNIVERSAL, alternatives, offer, reads_accept, resolve
from proxy.errors import InvalidArgument, InvalidImageFormat
from proxy.formats import CATALOGUE

_ENCODABLE = frozenset({"jpeg", "png", "webp", "avif", "gif", "tiff", "bmp", "heif"})
_ORDER = ("avif", "webp")
_PHOTO = Frame(width_px=800, height_px=600)
_LOGO = Frame(width_px=80, height_px=60, alpha=True)
_LOOP = Frame(width_px=80, height_px=60, frames=12)
_FILM = Frame(width_px=640, height_px=360, frames=200)
"""An animation that AVIF would take 14 s for."""


def offered(
    requested: str | None,
    accept: str | None,
    *,
    mode: str = "accept",
    order: tuple[str, ...] = _ORDER,
    encodable: frozenset[str] = _ENCODABLE,
) -> Offer:
    return offer(requested, accept, mode=mode, order=order, encodable=encodable)


def sent(
    requested: str | None,
    accept: str | None,
    frame: Frame = _PHOTO,
    source_format: str = "jpeg",
    *,
    mode: str = "accept",
    order: tuple[str, ...] = _ORDER,
    encodable: frozenset[str] = _ENCODABLE,
) -> str:
    made = offered(requested, accept, mode=mode, order=order, encodable=encodable)
    return resolve(made, frame=frame, source_format=source_format, encodable=encodable)


_CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
_SAFARI_17 = (
    "image/webp,image/avif,image/jxl,image/heic,image/heic-sequence,video/*;q=0.8,image/png,image/svg+xml,"
    "image/*;q=0.8,*/*;q=0.5"
)
_IE_8 = (
    "image/gif, image/jpeg, image/pjpeg, application/x-ms-application, application/vnd.ms-xpsdocument, "
    "application/xaml+xml, application/x-ms-xbap, application/x-shockwave-flash, */*"
)

# Who, Accept, and what it is sent for an opaque JPEG when the URL asks for auto, avif, webp and heif.
_CLIENTS: list[tuple[str, str | None, str, str, str, str]] = [
    ("Chrome 121", _CHROME, "avif", "avif", "webp", "avif"),
    ("Chrome 84", "image/webp,image/apng,image/*,*/*;q=0.8", "webp", "webp", "webp", "webp"),
    ("Chrome 32", "image/webp,*/*;q=0.8", "webp", "webp", "webp", "webp"),
    ("Chrome 20", "*/*", "jpeg", "avif", "webp", "heif"),
    (
        "Chrome 121 in the address bar",
        ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
        "application/signed-exchange;v=b3;q=0.7"),
        "avif", "avif", "webp", "avif",
    ),
    ("Edge 121", _CHROME, "avif", "avif", "webp", "avif"),
    ("Edge 114", "image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", "webp", "webp", "webp", "webp"),
    ("Edge 18", "image/png, image/svg+xml, image/*; q=0.8, */*; q=0.5", "jpeg", "jpeg", "jpeg", "jpeg"),
    (
        "Firefox 132",
        "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5",
        "avif", "avif", "webp", "avif",
    ),
    ("Firefox 93", "image/avif,image/webp,*/*", "avif", "avif", "webp", "avif"),
    ("Firefox 65", "image/webp,*/*", "webp", "webp", "webp", "webp"),
    ("Firefox 47", "*/*", "jpeg", "avif", "webp", "heif"),
    ("Firefox 30", "image/png,image/*;q=0.8,*/*;q=0.5", "jpeg", "jpeg", "jpeg", "jpeg"),
    (
        "Firefox 132 in the address bar",
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/png,image/svg+xml,*/*;q=0.8",
        "avif", "avif", "webp", "avif",
    ),
    ("Safari 17", _SAFARI_17, "avif", "avif", "webp", "heif"),
    (
        "Safari 16",
        "image/webp,image/avif,video/*;q=0.8,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5",
        "avif", "avif", "webp", "avif",
    ),
    (
        "Safari 14",
        "image/webp,image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5",
        "webp", "webp", "webp", "webp",
    ),
    ("Safari 12", "image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5", "jpeg", "jpeg", "jpeg", "jpeg"),
    ("Safari 9", "*/*", "jpeg", "avif", "webp", "heif"),
    (
        "Safari in the address bar",
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "jpeg", "avif", "webp", "heif",
    ),
    (
        "Android 2.3",
        "application/xml,application/xhtml+xml,text/html;q=0.9,text/plain;q=0.8,image/png,*/*;q=0.5",
        "jpeg", "jpeg", "jpeg", "jpeg",
    ),
    ("Internet Explorer 11", "image/png, image/svg+xml, image/jxr, image/*; q=0.8, */*; q=0.5", "jpeg", "jpeg", "jpeg", "jpeg"),
    ("Internet Explorer 8", _IE_8, "jpeg", "jpeg", "jpeg", "jpeg"),
    (
        "Opera 12",
        ("text/html, application/xml;q=0.9, application/xhtml+xml, image/png, image/webp, image/jpeg, image/gif, "
        "image/x-xbitmap, */*;q=0.1"),
        "webp", "webp", "webp", "webp",
    ),
    ("Netscape 4", "image/gif, image/x-xbitmap, image/jpeg, image/pjpeg, image/png, */*", "jpeg", "jpeg", "jpeg", "jpeg"),
    (
        "Konqueror",
        "text/html, text/*;q=0.9, image/jpeg;q=0.9, image/png;q=0.9, image/*;q=0.9, */*;q=0.8",
        "jpeg", "jpeg", "jpeg", "jpeg",
    ),
    ("curl, wget, python-requests", "*/*", "jpeg", "avif", "webp", "heif"),
    ("an app without Accept", None, "jpeg", "avif", "webp", "heif"),
    ("SDWebImage", "image/*,*/*;q=0.8", "jpeg", "avif", "webp", "heif"),
    (
        "Java's HttpURLConnection",
        "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2",
        "jpeg", "jpeg", "jpeg", "jpeg",
    ),
    (
        "Googlebot",
        "text/html,application/xhtml+xml,application/signed-exchange;v=b3,application/xml;q=0.9,*/*;q=0.8",
        "jpeg", "avif", "webp", "heif",
    ),
    ("Lynx", "text/html, text/plain, text/sgml, text/css, */*;q=0.01", "jpeg", "avif", "webp", "heif"),
    (
        "Chrome through Cloudflare, normalised",
        "*/*,image/*,image/apng,image/avif,image/svg+xml,image/webp",
        "avif", "avif", "webp", "avif",
    ),
    ("Chrome through Cloudflare, two types kept", "image/avif,image/webp", "avif", "avif", "webp", "avif"),
    ("Safari 14 through Cloudflare, two types kept", "image/webp", "webp", "webp", "webp", "webp"),
    ("Safari 12 through Cloudflare, two types kept", "", "jpeg", "avif", "webp", "heif"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("accept", "auto", "avif", "webp", "heif"), [c[1:] for c in _CLIENTS], ids=[c[0] for c in _CLIENTS]
)
def test_every_client_gets_what_it_can_show(accept: str | None, auto: str, avif: str, webp: str, heif: str) -> None:
    assert [sent(asked, accept) for asked in ("auto", "avif", "webp", "heif")] == [auto, avif, webp, heif]


@pytest.mark.parametrize("accept", [c[1] for c in _CLIENTS], ids=[c[0] for c in _CLIENTS])
@pytest.mark.parametrize("requested", sorted(UNIVERSAL))
def test_what_everyone_can_show_is_never_negotiated(requested: str, accept: str | None) -> None:
    assert offered(requested, accept) == Offer(forced=requested)
    assert offered(requested, f"image/{requested};q=0") == Offer(forced=requested)


@pytest.mark.parametrize("mode", ["accept", "exact"])
@pytest.mark.parametrize("accept", [None, _CHROME, "image/webp", "image/svg+xml;q=0"])
def test_lines_are_sent_to_whoever_asks_for_them(accept: str | None, mode: str) -> None:
    """A browser that opens a page does not name SVG, which it shows."""
    assert offered("svg", accept, mode=mode, encodable=_ENCODABLE | {"svg"}) == Offer(forced="svg")
    with pytest.raises(InvalidImageFormat):
        offered("svg", accept, mode=mode)


@pytest.mark.parametrize(
    ("requested", "accept", "frame", "chosen"),
    [
        # a transparent or moving picture where X itself is not admissible
        ("avif", "image/webp,*/*", _LOGO, "webp"),
        ("avif", "image/webp,*/*", _LOOP, "webp"),
        ("webp", "image/avif,*/*", _LOGO, "avif"),
        ("webp", "image/avif,*/*", _LOOP, "avif"),
        ("webp", "image/avif,*/*", _FILM, "avif"),  # nothing cheaper is offered
        ("auto", _CHROME, _FILM, "webp"),
        ("avif", _CHROME, _FILM, "avif"),  # asked for by name
        ("webp", "image/png,*/*", _LOGO, "png"),
        ("webp", "image/png,*/*", _LOOP, "gif"),
        ("webp", "image/png,*/*", _PHOTO, "jpeg"),
        ("heif", _CHROME, _LOOP, "avif"),
        ("heif", _CHROME, _FILM, "webp"),
        # X is sent as asked, whatever it can carry
        ("avif", _CHROME, _LOOP, "avif"),
        ("avif", None, _LOOP, "avif"),
        ("bmp", "*/*", _LOGO, "bmp"),
        # q=0
        ("webp", "image/webp;q=0", _PHOTO, "jpeg"),
        ("webp", "image/webp;q=0, image/*", _PHOTO, "jpeg"),
        ("webp", "image/webp;q=0, image/avif", _PHOTO, "avif"),
        ("webp", "image/avif;q=0, */*", _PHOTO, "webp"),  # refuses another
        ("avif", "image/avif;q=0, image/webp;q=0, */*", _LOGO, "png"),
        ("webp", "image/webp;q=0.001", _PHOTO, "webp"),
        ("auto", "image/avif;q=0, image/webp", _PHOTO, "webp"),
        ("auto", "image/avif;q=0, image/webp;q=0, */*", _PHOTO, "jpeg"),
        ("auto", "image/webp;q=1, image/avif;q=0.1", _PHOTO, "avif"),  # the server's order, not the weights'
        # wildcards say nothing, for or against
        ("webp", "*/*, image/*", _PHOTO, "webp"),
        ("webp", "image/*;q=0", _PHOTO, "webp"),
        ("webp", "*/*;q=0", _PHOTO, "webp"),
        ("webp", "text/html", _PHOTO, "webp"),
        ("auto", "image/*", _PHOTO, "jpeg"),
        # garbage says nothing
        ("webp", "image/png,%%%", _PHOTO, "webp"),
        ("webp", "image/webp;q=banana", _PHOTO, "webp"),
        ("auto", "image/avif;q=banana", _PHOTO, "jpeg"),
        ("auto", "image/avif," * 10_000, _PHOTO, "jpeg"),
        # names of others' formats are names
        ("webp", "image/x-xbitmap", _PHOTO, "jpeg"),
        ("heif", "image/heif", _PHOTO, "heif"),
        ("heif", "image/heic", _PHOTO, "heif"),
        ("heif", "image/heic-sequence", _PHOTO, "jpeg"),
        ("heif", "image/heic;q=0", _PHOTO, "jpeg"),
        ("tiff", "image/tiff, image/webp", _PHOTO, "tiff"),
        ("bmp", _CHROME, _PHOTO, "avif"),
    ],
)
def test_the_picture_and_the_client_decide_together(
    requested: str, accept: str | None, frame: Frame, chosen: str
) -> None:
    assert sent(requested, accept, frame) == chosen


@pytest.mark.parametrize(
    ("source_format", "accept", "frame", "chosen"),
    [
        ("jpeg", None, _PHOTO, "jpeg"),
        ("png", None, _PHOTO, "png"),  # the original's, not the compatible type
        ("png", "*/*", _LOGO, "png"),
        ("gif", "*/*", _PHOTO, "gif"),
        ("gif", "image/avif", _LOOP, "avif"),
        ("gif", _CHROME, _LOOP, "avif"),
        ("gif", "image/png", _FILM, "gif"),
        ("webp", "*/*", _PHOTO, "jpeg"),
        ("webp", "*/*", _LOGO, "png"),
        ("webp", "*/*", _LOOP, "gif"),
        ("avif", "image/webp", _LOGO, "webp"),
        ("heif", "image/heic", _PHOTO, "heif"),
        ("heif", "*/*", _PHOTO, "jpeg"),
        ("heif", _SAFARI_17, _PHOTO, "avif"),
        ("bmp", "image/bmp", _PHOTO, "bmp"),
        ("bmp", "image/bmp;q=0", _PHOTO, "jpeg"),
        ("tiff", "image/tiff,*/*", _LOGO, "tiff"),
        ("tiff", "*/*", _LOGO, "png"),
        ("ico", "image/x-icon", _LOGO, "png"),  # only read
        ("svg", "image/svg+xml", _LOGO, "png"),
    ],
)
def test_auto_keeps_an_original_the_client_can_show(
    source_format: str, accept: str | None, frame: Frame, chosen: str
) -> None:
    assert sent("auto", accept, frame, source_format) == chosen


@pytest.mark.parametrize(
    ("source_format", "frame", "chosen"),
    [
        ("jpeg", _PHOTO, "jpeg"),
        ("webp", _LOOP, "webp"),
        ("avif", _LOGO, "avif"),
        ("bmp", _PHOTO, "bmp"),
        ("heif", _PHOTO, "heif"),
        ("ico", _LOGO, "png"),
        ("svg", _PHOTO, "jpeg"),
        ("jxl", _LOOP, "gif"),
    ],
)
@pytest.mark.parametrize("mode", ["accept", "exact"])
def test_without_a_format_the_original_s_is_kept_for_everyone(
    mode: str, source_format: str, frame: Frame, chosen: str
) -> None:
    made = offered(None, "image/png", mode=mode)
    assert made == offered(None, None, mode=mode)
    assert not made.varies
    assert resolve(made, frame=frame, source_format=source_format, encodable=_ENCODABLE) == chosen


def test_a_source_this_build_cannot_write_becomes_the_compatible_type() -> None:
    few = _ENCODABLE - {"heif", "avif", "gif"}
    assert sent(None, None, _PHOTO, "heif", encodable=few) == "jpeg"
    assert sent("auto", _CHROME, _PHOTO, "jpeg", encodable=few) == "webp"
    assert sent(None, None, _LOOP, "gif", encodable=few) == "jpeg"


def test_a_picture_too_large_for_a_format_gets_another() -> None:
    poster = Frame(width_px=20_000, height_px=600)
    assert sent("auto", _CHROME, poster) == "jpeg"
    assert sent("auto", _CHROME, poster.sized(16_384, 600)) == "avif"
    assert sent("auto", "image/webp", poster.sized(16_384, 600)) == "jpeg"


@pytest.mark.parametrize("accept", [None, "*/*", _CHROME, "image/png"])
@pytest.mark.parametrize("requested", sorted(_ENCODABLE))
def test_in_exact_mode_the_url_alone_decides(requested: str, accept: str | None) -> None:
    assert offered(requested, accept, mode="exact") == Offer(forced=requested)


def test_auto_needs_negotiation() -> None:
    with pytest.raises(InvalidArgument):
        offered("auto", _CHROME, mode="exact")


@pytest.mark.parametrize(
    ("mode", "accept"),
    [("accept", None), ("accept", "*/*"), ("accept", "image/heic"), ("exact", None), ("exact", _CHROME)],
)
def test_what_this_build_cannot_write_is_an_error_that_names_it(mode: str, accept: str | None) -> None:
    with pytest.raises(InvalidImageFormat) as caught:
        offered("heif", accept, mode=mode, encodable=_ENCODABLE - {"heif"})
    assert "format/heif" in caught.value.public


def test_what_this_build_cannot_write_is_no_error_for_clients_that_take_something_else() -> None:
    few = _ENCODABLE - {"heif"}
    assert sent("heif", _CHROME, encodable=few) == "avif"
    assert sent("heif", "image/png", encodable=few) == "jpeg"


@pytest.mark.parametrize("requested", ["jpg", "", "AUTO", "astc", "../etc"])
def test_what_is_no_format_is_an_error(requested: str) -> None:
    with pytest.raises(InvalidArgument):
        offered(requested, None)


def test_an_unknown_mode_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="negotiate"):
        offered("webp", None, mode="guess")


@pytest.mark.parametrize("accept", [None, "*/*", _CHROME, "image/png", "%%%", "image/webp;q=0"])
@pytest.mark.parametrize("mode", ["accept", "exact"])
@pytest.mark.parametrize("requested", [None, "auto", *sorted(_ENCODABLE)])
def test_vary_is_said_wherever_accept_has_a_say_and_nowhere_else(
    requested: str | None, mode: str, accept: str | None
) -> None:
    if (requested, mode) == ("auto", "exact"):
        assert not reads_accept(requested, mode=mode)
        return
    made = offered(requested, accept, mode=mode)
    assert made.varies == reads_accept(requested, mode=mode)
    assert made.varies or made == offered(requested, _CHROME, mode=mode)


@pytest.mark.parametrize(
    ("order", "formats"),
    [
        (("avif", "webp"), ("avif", "webp")),
        (("webp", "avif"), ("webp",)),  # nothing behind WebP is ever reached
        (("webp",), ("webp",)),
        ((), ()),
        (("avif", "avif", "nonsense", "webp"), ("avif", "webp")),
        (("heif", "avif"), ("avif",)),  # Chrome does not name HEIF
    ],
)
def test_the_order_is_the_server_s(order: tuple[str, ...], formats: tuple[str, ...]) -> None:
    assert offered("auto", _CHROME, order=order).formats == formats
    assert offered("bmp", _CHROME, order=order).formats == formats


def _random_accepts(count: int) -> list[str]:
    chance = random.Random(2026)
    types = [t for row in CATALOGUE.values() for t in row.accept_types]
    types += ["image/apng", "image/svg+xml", "image/jxl", "image/*", "*/*", "text/html", "image/x-1", "nonsense"]
    weights = ["", ";q=0", ";q=0.1", ";q=0.9", ";q=1", ";v=1", ";q=x"]
    return [
        ",".join(
            f"{t}{chance.choice(weights[: chance.randint(1, 7)])}" for t in chance.sample(types, chance.randint(0, 9))
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize(
    ("requested", "most"),
    [(None, 1), ("jpeg", 1), ("avif", 3), ("webp", 3), ("heif", 5), ("bmp", 5), ("tiff", 5), ("auto", 32)],
)
def test_five_hundred_accept_fields_make_a_handful_of_offers(requested: str | None, most: int) -> None:
    assert len({offered(requested, accept) for accept in _random_accepts(500)}) <= most


def test_real_browsers_make_a_handful_of_offers() -> None:
    assert len({offered("auto", accept) for _, accept, *_ in _CLIENTS}) <= 4


@pytest.mark.parametrize("source_format", ["jpeg", "png", "webp", "heif", "bmp"])
def test_a_url_has_a_handful_of_variants_whatever_accept_fields_arrive(source_format: str) -> None:
    offers = [offered("auto", accept) for accept in _random_accepts(500)]
    for frame in (_PHOTO, _LOGO, _LOOP):
        variants = {
            (resolve(o, frame=frame, source_format=source_format, encodable=_ENCODABLE), source_format in o.showable)
            for o in offers
        }
        assert len(variants) <= 6


@given(
    requested=st.sampled_from([None, "auto", *sorted(_ENCODABLE)]),
    accept=st.none() | st.text(max_size=80) | st.sampled_from(_random_accepts(200)),
    source_format=st.sampled_from(sorted(CATALOGUE)),
    frame=st.sampled_from([_PHOTO, _LOGO, _LOOP]),
    encodable=st.frozensets(st.sampled_from(sorted(_ENCODABLE))).map({"jpeg", "png"}.union).map(frozenset),
)
def test_the_answer_is_writable_and_never_refused_by_name(
    requested: str | None, accept: str | None, source_format: str, frame: Frame, encodable: frozenset[str]
) -> None:
    try:
        chosen = sent(requested, accept, frame, source_format, encodable=encodable)
    except InvalidImageFormat:
        assert requested not in encodable
        return
    assert chosen in encodable
    if reads_accept(requested, mode="accept") and chosen not in UNIVERSAL:
        said = parse_accept(accept)
        assert not said.named_images or said.named_images & set(CATALOGUE[chosen].accept_types)
        assert said.excluded_images.isdisjoint(CATALOGUE[chosen].accept_types) or said.named_images


CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"


@pytest.mark.parametrize(
    ("requested", "accept", "frame", "expected"),
    [
        ("avif", CHROME, Frame(width_px=8, height_px=8), ("webp", "jpeg")),
        ("avif", CHROME, Frame(width_px=8, height_px=8, alpha=True), ("webp", "png")),
        ("webp", CHROME, Frame(width_px=8, height_px=8, frames=3), ("avif", "gif")),
        ("avif", CHROME, Frame(width_px=8, height_px=8, frames=3), ("webp", "gif")),
        ("auto", CHROME, Frame(width_px=8, height_px=8), ("webp", "jpeg")),
        ("avif", "image/avif,image/webp", Frame(width_px=8, height_px=8), ("webp",)),
        ("avif", "image/avif,*/*", Frame(width_px=8, height_px=8), ("jpeg",)),
        ("avif", "image/avif", Frame(width_px=8, height_px=8), ()),
        ("avif", "*/*", Frame(width_px=8, height_px=8), ()),
        ("avif", None, Frame(width_px=8, height_px=8), ()),
        ("jpeg", CHROME, Frame(width_px=8, height_px=8), ()),
        ("avif", CHROME, Frame(width_px=20_000, height_px=8), ("jpeg",)),  # too wide for WebP
    ],
)
def test_what_may_be_shown_meanwhile(
    requested: str, accept: str | None, frame: Frame, expected: tuple[str, ...]
) -> None:
    encodable = frozenset({"jpeg", "png", "gif", "webp", "avif"})
    made = offer(requested, accept, mode="accept", order=("avif", "webp"), encodable=encodable)
    chosen = resolve(made, frame=frame, source_format="jpeg", encodable=encodable)
    assert alternatives(made, chosen, frame=frame, encodable=encodable) == expected
