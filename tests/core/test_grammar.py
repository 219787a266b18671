from __future__ import annotations

import pytest
from costs import check_linear
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.grammar import asks_ignore_error, format_plan, parse_plan
from proxy.core.plan import Plan, QualityStep, Stage
from proxy.errors import InvalidArgument, OperationNotImplemented


def refusal(text: str) -> str | None:
    """What a client is told of *text*; None if it is a plan."""
    try:
        parse_plan(text)
    except (InvalidArgument, OperationNotImplemented) as error:
        return error.public
    return None


@pytest.mark.parametrize(("text", "canonical"), [
    ("imageMogr2", "imageMogr2"),
    ("imageMogr2/", "imageMogr2"),
    ("imageMogr2/thumbnail/!50p", "imageMogr2/thumbnail/!50p"),
    ("imageMogr2/thumbnail/320x320>/", "imageMogr2/thumbnail/320x320>"),
    # the order of application is fixed; thumbnail, crop and cut keep theirs
    ("imageMogr2/flip/vertical/rotate/90/thumbnail/9x/auto-orient", "imageMogr2/auto-orient/thumbnail/9x/rotate/90/flip/vertical"),
    ("imageMogr2/thumbnail/90x/crop/20x20", "imageMogr2/thumbnail/90x/crop/20x20"),
    ("imageMogr2/crop/20x20/thumbnail/90x", "imageMogr2/crop/20x20/thumbnail/90x"),
    ("imageMogr2/gravity/Center/cut/9x9/crop/5x5", "imageMogr2/cut/9x9x0x0/gravity/center/crop/5x5/gravity/center"),
    # flags stand alone, and take a digit
    ("imageMogr2/format/webp/auto-orient", "imageMogr2/auto-orient/format/webp"),
    ("imageMogr2/auto-orient/1/strip/1/rotate/90", "imageMogr2/auto-orient/rotate/90/strip"),
    ("imageMogr2/auto-orient/0/strip/0", "imageMogr2"),
    ("imageMogr2/strip/format/jpg", "imageMogr2/format/jpeg/strip"),
    # formats by any spelling
    ("imageMogr2/format/yjpeg", "imageMogr2/format/jpeg"),
    ("imageMogr2/format/heic", "imageMogr2/format/heif"),
    ("imageMogr2/format/JPG", "imageMogr2/format/jpeg"),
    ("imageMogr2/format/auto", "imageMogr2/format/auto"),
    ("imageMogr2/format/src", "imageMogr2"),
    # what changes nothing is left out
    ("imageMogr2/rotate/360/quality/100/rquality/100/lquality/0|imageMogr2/thumbnail/!100p", "imageMogr2"),
    ("imageMogr2/thumbnail/!1001p|imageMogr2/flip/vertical", "imageMogr2/flip/vertical"),
    ("imageMogr2/interlace/0", "imageMogr2/interlace/0"),
    ("imageMogr2/interlace/1", "imageMogr2/interlace/1"),
    # quality steps keep their order, their numbers have one form
    ("imageMogr2/lquality/080/quality/7!/rquality/50", "imageMogr2/lquality/80/quality/7!/rquality/50"),
    ("imageMogr2/quality/auto", "imageMogr2/quality/auto"),
    ("imageMogr2/quality/auto:77/quality/80/quality/auto!", "imageMogr2/quality/auto"),
    ("imageMogr2/format/webp/quality/auto:075!/rquality/50", "imageMogr2/format/webp/quality/auto:75/rquality/50"),
    ("imageView2/2/w/100/q/auto:30/lq/20", "imageView2/2/w/100/q/auto:30/lq/20"),
    ("imageView2/q/auto|imageMogr2/quality/auto:90", "imageMogr2/quality/auto|imageMogr2/quality/auto:90"),
    # of a parameter given twice the last counts
    ("imageMogr2/thumbnail/9x/rotate/90/thumbnail/8x", "imageMogr2/thumbnail/8x/rotate/90"),
    ("imageMogr2/thumbnail/9x/crop/5x5/thumbnail/8x", "imageMogr2/crop/5x5/thumbnail/8x"),
    ("imageMogr2/quality/70/quality/60!", "imageMogr2/quality/60!"),
    # unknown names are ignored with their values
    ("imageMogr2/frobnicate/5/thumbnail/9x/x/y", "imageMogr2/thumbnail/9x"),
    ("imageMogr2//thumbnail/9x//rotate/90", "imageMogr2/thumbnail/9x/rotate/90"),
    ("imageMogr2/dx/5/gravity/north/pad/0", "imageMogr2"),
    # ignore-error, anywhere
    ("imageMogr2/ignore-error/1/format/png", "imageMogr2/ignore-error/1/format/png"),
    ("imageMogr2/format/png|imageMogr2/rotate/90/ignore-error/1", "imageMogr2/ignore-error/1/format/png|imageMogr2/rotate/90"),
    ("imageMogr2/ignore-error/0/format/png", "imageMogr2/format/png"),
    ("imageMogr2/ignore-error/1", "imageMogr2/ignore-error/1"),
    ("|".join(["imageMogr2/flip/vertical"] * 10), "|".join(["imageMogr2/flip/vertical"] * 10)),
])  # fmt: skip
def test_every_spelling_has_one_canonical_text(text: str, canonical: str) -> None:
    plan = parse_plan(text)
    assert format_plan(plan) == canonical
    assert parse_plan(canonical) == plan


@pytest.mark.parametrize(("text", "says"), [
    ("", "operation"),
    ("imagemogr2/thumbnail/9x", "operation"),
    ("imageMogr2x/thumbnail/9x", "operation"),
    ("small", "operation"),
    ("imageMogr2/thumbnail/9x|", "operation"),
    ("|imageMogr2/thumbnail/9x", "operation"),
    ("imageMogr2/thumbnail", "thumbnail"),
    ("imageMogr2/thumbnail//rotate/90", "thumbnail"),
    ("imageMogr2/thumbnail/abc", "thumbnail"),
    ("imageMogr2/crop/2000", "crop"),
    ("imageMogr2/cut/5", "cut"),
    ("imageMogr2/crop/5x5/gravity/up", "gravity"),
    ("imageMogr2/flip/over", "flip"),
    ("imageMogr2/auto-orient/7", "auto-orient"),
    ("imageMogr2/strip/2", "strip"),
    ("imageMogr2/format/abc", "format"),
    ("imageMogr2/format/", "format"),
    ("imageMogr2/quality/80!!", "quality"),
    ("imageMogr2/quality/!", "quality"),
    *((f"imageMogr2/quality/{value}", "quality") for value in (
        "auto:", "auto:!", "auto:0", "auto:29", "auto:91", "auto:-75", "auto:7e1", "auto:75.5", "auto:auto", "auto75", "autox",
        "AUTO", "auto:75!!", "auto:" + "9" * 500,
    )),
    ("imageView2/2/w/9/q/auto:0", "q"),
    ("imageMogr2/rquality/auto", "rquality"),
    ("imageMogr2/lquality/auto:75", "lquality"),
    ("imageMogr2/ignore-error/yes", "ignore-error"),
    ("imageMogr2/thumbnail/中x", "thumbnail"),
])  # fmt: skip
def test_what_is_malformed_is_refused_by_the_name_of_the_parameter(text: str, says: str) -> None:
    with pytest.raises(InvalidArgument, match=f"^{says}: "):
        parse_plan(text)


@pytest.mark.parametrize("text", [
    "ci-process=ImageInspect",
    *(f"imageMogr2/format/{name}" for name in ("astc", "psd")),
])  # fmt: skip
def test_what_comes_later_says_that_it_is_not_implemented_and_which(text: str) -> None:
    with pytest.raises(OperationNotImplemented) as caught:
        parse_plan(text)
    name = caught.value.public.removesuffix(" is not implemented.")
    assert name in text
    assert caught.value.status == 501


@pytest.mark.parametrize(
    "text", ["watermark", "watermark/", "watermark/5/text/aGk", "watermark/text/aGk", "watermark/22/text/aGk"]
)
def test_a_watermark_of_no_kind_is_malformed_and_not_something_to_come(text: str) -> None:
    with pytest.raises(InvalidArgument, match=r"^watermark: .* expected 1 to 4"):
        parse_plan(text)


def test_eleven_stages_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="10 stages"):
        parse_plan("|".join(["imageMogr2/flip/vertical"] * 11))


@pytest.mark.parametrize(("start", "piece"), [
    ("imageMogr2", "|imageMogr2/thumbnail/9x"), ("imageMogr2", "/a"), ("imageMogr2/thumbnail/", "9"), ("imageMogr2/thumbnail/!", "9"),
    ("imageMogr2/thumbnail/9x9/pad/1/color/", "A"), ("imageMogr2/cut/", "9x"), ("imageMogr2", "/"), ("imageMogr2/quality/", "9!"),
    ("imageMogr2", "/strip"), ("imageMogr2", "/rotate/90"), ("imageMogr2/blur/1x1.", "1"), ("imageView2", "/w/9"), ("watermark/2/text/", "YQ"),
    ("imageMogr2/AIGCMetadata/Label/", "YWFh"), ("imageMogr2/size-limit/", "1k"), ("QRcode", "/cover/1"), ("style", "/a"), ("", "|"),
])  # fmt: skip
def test_long_texts_cost_no_more_than_their_length(start: str, piece: str) -> None:
    def made(size: int) -> str:
        return start + piece * (size // len(piece))

    check_linear(refusal, made, 65_536)
    assert len(refusal(made(65_536)) or "") < 400


@pytest.mark.parametrize(("text", "asks"), [
    ("imageMogr2/ignore-error/1/thumbnail/abc", True),
    ("imageMogr2/thumbnail/abc/ignore-error/1", True),
    ("imageMogr2/thumbnail/abc|imageMogr2/ignore-error/1|x", True),
    ("watermark/2/ignore-error/1", True),
    ("imageMogr2/frobnicate/ignore-error/1", True),
    ("imageMogr2/ignore-error/0", False),
    ("imageMogr2/ignore-error/11", False),
    ("imageMogr2/ignore-error", False),
    ("imageMogr2/xignore-error/1", False),
    ("", False),
])  # fmt: skip
def test_ignore_error_is_found_in_what_cannot_be_parsed(text: str, asks: bool) -> None:
    assert asks_ignore_error(text) is asks


def test_sides_over_the_clamp_are_read_as_the_clamp_and_the_text_says_so() -> None:
    text = "imageMogr2/thumbnail/20000x|imageMogr2/crop/30000x5|imageMogr2/cut/40000x7x1x2"
    clamped = parse_plan(text, clamp_px=10_000)
    assert format_plan(clamped) == "imageMogr2/thumbnail/10000x|imageMogr2/crop/10000x5|imageMogr2/cut/10000x7x1x2"
    assert parse_plan(format_plan(clamped)) == clamped
    assert format_plan(parse_plan(text)) == text


def test_quality_steps_are_folded_over_every_stage() -> None:
    plan = parse_plan("imageMogr2/quality/70|imageMogr2/rquality/50/lquality/40")
    assert plan.stages[0].output.quality == (QualityStep("at-most", 70),)
    assert [plan.quality(source) for source in (100, 60)] == [40, 40]
    assert parse_plan("imageMogr2/quality/90!").quality(60) == 90


@pytest.mark.parametrize(("text", "target", "quality"), [
    ("quality/80", None, 80),
    ("quality/auto", 77, 63),
    ("quality/auto:50", 50, 63),
    ("quality/auto:50/rquality/50", 50, 32),
    ("quality/auto|imageMogr2/lquality/70", 77, 70),
    ("quality/auto|imageMogr2/quality/60", 77, 60),
    ("quality/40!|imageMogr2/quality/auto:85", 85, 63),
    ("quality/auto|imageMogr2/quality/40!", None, 40),
])  # fmt: skip
def test_the_last_word_on_quality_may_be_a_score(text: str, target: int | None, quality: int) -> None:
    plan = parse_plan(f"imageMogr2/{text}")
    assert plan.target == target
    assert plan.quality(90, auto=63) == quality
    aimed = plan.aimed_at(33)
    assert aimed.target == (None if target is None else 33)
    assert parse_plan(format_plan(aimed)) == aimed


def test_a_refused_score_says_the_range() -> None:
    with pytest.raises(InvalidArgument, match=r"quality: 'auto:95' is not valid, expected auto, or auto:30 to auto:90"):
        parse_plan("imageMogr2/quality/auto:95")


def test_a_plan_without_operations_does_not_paint() -> None:
    assert not parse_plan("imageMogr2/format/webp/quality/80/strip").paints
    assert parse_plan("imageMogr2/auto-orient").paints
    assert parse_plan("imageMogr2") == Plan(stages=())
    assert format_plan(Plan(stages=(Stage(),))) == "imageMogr2"


_PIECES = st.sampled_from([
    "imageMogr2", "/", "|", "thumbnail", "crop", "cut", "rotate", "flip", "auto-orient", "format", "quality", "strip",
    "gravity", "dx", "pad", "color", "ignore-error", "interlace", "x", "!", "p", "r", "@", ">", "<", "0", "1", "90", "300x",
    "center", "vertical", "webp", "auto", "I0ZGMDAwMA", "=", "\x00", "é", "𝟗", "-1",
])  # fmt: skip


@given(st.lists(_PIECES | st.text(max_size=3), max_size=30).map("".join))
def test_any_text_is_a_plan_or_a_clear_refusal(text: str) -> None:
    said = refusal(text)
    if said is None:
        plan = parse_plan(text)
        assert parse_plan(format_plan(plan)) == plan
        assert plan.ignore_error == asks_ignore_error(text)
    else:
        assert said.isprintable()
        assert len(said) < 400


@pytest.mark.parametrize(
    "text", ["gravity/nowhere", "gravity/", "dx/a", "dy/-5", "color/xx", "pad/2", "ignore-error/2", "dx/99999999999"]
)
def test_a_malformed_parameter_is_one_even_where_nothing_would_read_it(text: str) -> None:
    with pytest.raises(InvalidArgument):
        parse_plan("imageMogr2/" + text)


@pytest.mark.parametrize("name", ["rquality", "lquality"])
def test_the_exclamation_mark_changes_nothing_where_it_means_nothing(name: str) -> None:
    assert parse_plan(f"imageMogr2/{name}/70!") == parse_plan(f"imageMogr2/{name}/70")
