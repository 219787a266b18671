from __future__ import annotations

import pytest

from proxy.core.styles import Styles, expected_name
from proxy.errors import InvalidArgument

TEXTS = {
    "small": "imageMogr2/thumbnail/!50p",
    "m-1": "imageMogr2/strip",
    "two": "imageMogr2/strip|imageMogr2/flip/vertical",
}


@pytest.mark.parametrize(("separators", "key", "named"), [
    ("!", "a.jpg!small", ("a.jpg", "small")),
    ("!", "a/b!c.jpg!small", ("a/b!c.jpg", "small")),
    ("!", "a.jpg!!small", ("a.jpg!", "small")),
    ("!", "a.jpg!m-1", ("a.jpg", "m-1")),
    ("!", "a.jpg-small", None),
    ("!", "a.jpg!Small", None),
    ("!", "a.jpg!small ", None),
    ("!", "a.jpg!small/x", None),
    ("!", "a.jpg!", None),
    ("!", "!small", None),
    ("!", "small", None),
    ("!", "", None),
    ("/", "a.jpg/small", ("a.jpg", "small")),
    ("/", "/small", None),
    ("-_/!", "a!b-c_d/small", ("a!b-c_d", "small")),
    ("-_/!", "a.jpg_two", ("a.jpg", "two")),
    ("", "a.jpg!small", None),
])  # fmt: skip
def test_the_last_separator_decides(separators: str, key: str, named: tuple[str, str] | None) -> None:
    assert Styles(TEXTS, separators).split(key) == named


def test_a_bucket_without_styles_names_none() -> None:
    assert Styles().split("a.jpg!small") is None
    assert not Styles().asked_by("a.jpg!small", b"small")


@pytest.mark.parametrize(("key", "query", "asked"), [
    ("a.jpg!small", b"", True), ("a.jpg", b"small", True), ("a.jpg", b"x=1&small=", True), ("a.jpg", b"sm%61ll", True),
    ("a.jpg", b"small=1", False), ("a.jpg", b"", False), ("a.jpg", b"Small", False),
])  # fmt: skip
def test_a_url_may_ask_for_a_style(key: str, query: bytes, asked: bool) -> None:
    assert Styles(TEXTS).asked_by(key, query) is asked


@pytest.mark.parametrize(("operation", "expanded"), [
    ("style/small", TEXTS["small"]),
    ("style/small/", TEXTS["small"]),
    ("style/two|imageMogr2/rotate/90", TEXTS["two"] + "|imageMogr2/rotate/90"),
    ("imageMogr2/rotate/90|style/m-1", "imageMogr2/rotate/90|imageMogr2/strip"),
    ("imageMogr2/format/png", "imageMogr2/format/png"),
    ("watermark/2/text/style", "watermark/2/text/style"),
])  # fmt: skip
def test_a_stage_that_names_a_style_is_replaced_by_it(operation: str, expanded: str) -> None:
    assert Styles(TEXTS).expand(operation) == expanded


@pytest.mark.parametrize(
    "operation", ["style", "style/", "style/nosuch", "style/Small", "style/small/x", "imageMogr2|style/7"]
)
def test_an_unknown_style_is_an_argument_that_is_wrong(operation: str) -> None:
    with pytest.raises(InvalidArgument, match=r"^style: ") as caught:
        Styles(TEXTS).expand(operation)
    assert (caught.value.status, caught.value.errno) == (400, -105)


def test_a_pipe_of_many_styles_is_not_even_written_out() -> None:
    pipe = "|".join(["style/two"] * 1000)
    assert Styles(TEXTS).expand(pipe) == pipe


@pytest.mark.parametrize(("name", "fine"), [
    ("small", True), ("中图", True), ("a.b-c_d", True), ("x" * 64, True), ("imageInfo2", True),
    ("x" * 65, False), ("", False), ("a b", False), ("a/b", False), ("a!b", False), ("a|b", False), ("a&b", False), ("a=b", False),
    ("a%b", False), ("imageInfo", False), ("style", False),
])  # fmt: skip
def test_names_that_a_url_can_tell_are_fine(name: str, fine: bool) -> None:
    assert (expected_name(name, "!") is None) is fine
    assert expected_name("a!b", "-") is None
