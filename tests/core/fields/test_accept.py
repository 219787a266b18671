"""The Accept field as a value: what it names, what it refuses, and when it says nothing."""

from __future__ import annotations

import gc
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.fields.accept import MAX_CHARS, MAX_RANGES, SAYS_NOTHING, Accept, MediaRange, parse_accept


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("image/webp", [("image", "webp", 1.0)]),
        ("IMAGE/WebP", [("image", "webp", 1.0)]),
        ("image/webp;q=0.8", [("image", "webp", 0.8)]),
        ("image/webp ; Q=0.8 , */*", [("image", "webp", 0.8), ("*", "*", 1.0)]),
        ("image/webp;q=0", [("image", "webp", 0.0)]),
        ("image/webp;q=0.000", [("image", "webp", 0.0)]),
        ("image/webp;q=1.000", [("image", "webp", 1.0)]),
        ("image/webp;q=0.0001", [("image", "webp", 0.001)]),  # small is not a refusal
        ("image/webp;q=0.5;level=1", [("image", "webp", 0.5)]),  # what follows q is an extension
        ("image/webp;;q=0.5;", [("image", "webp", 0.5)]),
        (",,image/webp,, ,image/avif,", [("image", "webp", 1.0), ("image", "avif", 1.0)]),
        ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2",  # Java's HttpURLConnection
         [("text", "html", 1.0), ("image", "gif", 1.0), ("image", "jpeg", 1.0), ("*", "*", 0.2), ("*", "*", 0.2)]),
        ('a/b;c="x,y;q=0";q=0.5', [("a", "b", 0.5)]),
    ],
    ids=str,
)  # fmt: skip
def test_members_are_read_with_their_weights(text: str, ranges: list[tuple[str, str, float]]) -> None:
    assert [(r.type, r.subtype, r.quality) for r in parse_accept(text).ranges] == ranges


@pytest.mark.parametrize(
    "text",
    [
        None, "", " ", ",", "garbage", "image", "image/", "/webp", "*/webp", "image/web p", "image//webp", "image/we\x00bp",
        "image/webp;q", "image/webp;q=", "image/webp;q=x", "image/webp;q=2", "image/webp;q=1.001", "image/webp;q=-1",
        "image/webp;q=0,5", "image/webp;q=nan", "image/webp;q=1e-1", "image/webp;q=\u0665", "image/webp;q=0.\u0661",
        "image/webp;q=0.5.5", 'image/webp;q="0.5"', "image/webp;=1", 'image/webp;a="x', 'image/webp;a=x"y"',
        "image/webp, garbage", "imagé/webp", "image/webp;a b=c",
        "image/webp," * (MAX_RANGES + 1), "image/webp;a=" + "x" * MAX_CHARS,
    ],
    ids=lambda text: repr(text)[:40],
)  # fmt: skip
def test_what_cannot_be_read_says_nothing(text: str | None) -> None:
    assert parse_accept(text) == SAYS_NOTHING


@pytest.mark.parametrize(
    ("text", "named", "excluded"),
    [
        ("image/avif,image/webp,*/*;q=0.8", {"image/avif", "image/webp"}, set()),
        ("*/*, image/*", set(), set()),
        ("image/*;q=0, */*;q=0", set(), set()),
        ("text/html,application/xml;q=0.9", set(), set()),
        ("image/avif;q=0, image/webp", {"image/webp"}, {"image/avif"}),
        ("image/avif;q=0, image/avif;q=0.1", {"image/avif"}, set()),
        ("image/avif;profile=1;q=0", set(), set()),  # refuses one variant of the type only
        ("image/avif;profile=1", {"image/avif"}, set()),
    ],
)
def test_only_concrete_image_types_are_named_or_refused(text: str, named: set[str], excluded: set[str]) -> None:
    said = parse_accept(text)
    assert (said.named_images, said.excluded_images) == (named, excluded)


_TOKENS = st.text("abcxyz0129+-.", min_size=1, max_size=8)
_RANGES = st.builds(
    MediaRange,
    type=st.sampled_from(["image", "text", "application"]),
    subtype=st.one_of(st.just("*"), _TOKENS),
    quality=st.integers(0, 1000).map(lambda thousandths: thousandths / 1000),
    parameters=st.lists(
        st.tuples(_TOKENS.filter(lambda name: name != "q"), st.text(st.characters(codec="latin-1"), max_size=6)),
        max_size=2,
    ).map(tuple),
)


@given(st.lists(_RANGES, max_size=8).map(tuple).map(Accept))
def test_parsing_inverts_formatting(said: Accept) -> None:
    assert parse_accept(said.format()) == said


@given(st.text(max_size=300))
def test_any_text_is_read_without_an_error(text: str) -> None:
    said = parse_accept(text)
    assert said.named_images.isdisjoint(said.excluded_images)


@pytest.mark.parametrize("piece", ["a/b,", 'a/b;c="', '\\"', '",', ";", "*/*;q=0.1,", " ", "=", '"\\'])
def test_sixty_four_kilobytes_of_malice_cost_next_to_nothing(piece: str) -> None:
    text = piece * (65_536 // len(piece))
    gc.collect()  # what other tests left behind is not this one's cost, nor are other threads
    started_s = time.thread_time()
    assert parse_accept(text) == SAYS_NOTHING
    parse_accept(text[:MAX_CHARS])
    assert time.thread_time() - started_s < 0.1
