"""watermark/3: what it is asked, what it refuses, and what it has hidden."""

from __future__ import annotations

from typing import Any

import pytest
from painting import PlainTools, numbered

from proxy.core.grammar import format_plan, parse_plan
from proxy.core.model import Frame
from proxy.core.plan import Need
from proxy.errors import InvalidArgument
from proxy.ops.encoded import encode_text

B64 = "aHR0cDovL2Ivaw"


class Hider(PlainTools):
    """Remembers what it was asked to hide."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int, str]] = []

    def hide(self, image: Any, *, kind: int, level: int, text: str) -> Any:
        self.asked.append((kind, level, text))
        return super().hide(image, kind=kind, level=level, text=text)


def only(text: str) -> Any:
    (stage,) = parse_plan(text).stages
    (operation,) = stage.operations
    return operation


@pytest.mark.parametrize(("text", "canonical"), [
    ("watermark/3/type/3/text/aGk=", "watermark/3/type/3/text/aGk"),
    ("watermark/3/text/aGk/type/03/level/1/version/2.0", "watermark/3/type/3/text/aGk"),
    (f"watermark/3/type/3/text/aGk/image/{B64}/level/3", "watermark/3/type/3/text/aGk/level/3"),
    (f"watermark/3/type/2/image/{B64}==/text/aGk/level/02", f"watermark/3/type/2/image/{B64}/level/2"),
    (f"watermark/3/type/1/image/{B64}", f"watermark/3/type/1/image/{B64}"),
    ("watermark/3/type/1/image_key/YQ==/version/3.0", "watermark/3/type/1/image_key/YQ"),
])  # fmt: skip
def test_one_meaning_has_one_text(text: str, canonical: str) -> None:
    assert format_plan(parse_plan(text)) == canonical
    assert parse_plan(canonical) == parse_plan(text)


@pytest.mark.parametrize(("text", "names"), [
    ("watermark/3", "type"), ("watermark/3/text/aGk", "type"), ("watermark/3/type/0/text/aGk", "type"),
    ("watermark/3/type/4/text/aGk", "type"), ("watermark/3/type//text/aGk", "type"), ("watermark/3/type/-3/text/aGk", "type"),
    ("watermark/3/type/99999999999/text/aGk", "type"), ("watermark/3/type/three/text/aGk", "type"),
    ("watermark/3/type/3", "text"), ("watermark/3/type/3/text/", "text"), ("watermark/3/type/3/text/!", "text"),
    (f"watermark/3/type/3/image/{B64}", "text"), ("watermark/3/type/3/text/" + encode_text("x" * 33), "text"),
    ("watermark/3/type/3/text/" + encode_text("盲" * 11), "text"), ("watermark/3/type/3/text/" + encode_text("a\0"), "text"),
    ("watermark/3/type/3/text/" + encode_text("a\nb"), "text"), ("watermark/3/type/3/text/aGk/level/0", "level"),
    ("watermark/3/type/3/text/aGk/level/4", "level"), ("watermark/3/type/3/text/aGk/level/", "level"),
    ("watermark/3/type/3/text/aGk/level/-1", "level"), ("watermark/3/type/3/text/aGk/level/high", "level"),
    ("watermark/3/type/3/text/aGk/version/4.0", "version"), ("watermark/3/type/3/text/aGk/version/", "version"),
    ("watermark/3/type/1", "image"), ("watermark/3/type/2/text/aGk", "image"), ("watermark/3/type/2/image/", "image"),
    ("watermark/3/type/2/image/" + encode_text("https://b/k"), "image"),
    ("watermark/3/type/2/image_key/" + encode_text("k" * 851), "image_key"),
])  # fmt: skip
def test_what_is_malformed_is_named(text: str, names: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse_plan(text)
    assert caught.value.public.startswith(f"{names}: ")


def test_an_emblem_is_needed_no_larger_than_it_is_hidden() -> None:
    assert parse_plan(f"watermark/3/type/2/image/{B64}").needs == (Need(url="http://b/k", within_px=768),)
    assert parse_plan("watermark/3/type/3/text/aGk").needs == ()


@pytest.mark.parametrize(("mark", "shortest_px"), [
    ("type/1/image_key/YQ", 200), ("type/2/image_key/YQ", 150), ("type/3/text/" + encode_text("x" * 8), 150),
    ("type/3/text/" + encode_text("x" * 9), 200), ("type/3/text/" + encode_text("盲" * 6), 250),
])  # fmt: skip
def test_each_mark_needs_a_picture_that_is_large_enough(mark: str, shortest_px: int) -> None:
    operation = only(f"watermark/3/{mark}")
    frame = Frame(width_px=900, height_px=shortest_px, alpha=True, orientation=6)
    assert operation.measure(frame) == frame
    for size_px in ((900, shortest_px - 1), (shortest_px - 1, 900), (1, 1)):
        with pytest.raises(InvalidArgument, match=f"at least {shortest_px} pixels"):
            operation.measure(frame.sized(*size_px))


def test_a_picture_that_moves_is_refused_when_it_is_painted() -> None:
    frame = Frame(width_px=300, height_px=260, frames=2)
    operation = only("watermark/3/type/3/text/aGk")
    assert operation.measure(frame) == frame, "whether it still moves in the end, the format decides"
    with pytest.raises(InvalidArgument, match="moves"):
        operation.apply(numbered(frame), frame, Hider())


def test_what_is_hidden_is_what_was_asked() -> None:
    hider, frame = Hider(), Frame(width_px=300, height_px=260)
    only("watermark/3/type/3/text/aGk/level/2").apply(numbered(frame), frame, hider)
    only("watermark/3/type/1/image_key/YQ").apply(numbered(frame), frame, hider)
    assert hider.asked == [(3, 2, "hi"), (1, 1, "")]
