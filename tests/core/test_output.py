"""What a stage says about sizes, frames and labels of its result: read strictly, written in one spelling."""

from __future__ import annotations

import pytest

from proxy.core.grammar import format_plan, parse_plan
from proxy.core.labels import FIELDS
from proxy.core.plan import SizeLimit
from proxy.errors import InvalidArgument


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("size-limit/15k!", "size-limit/15k!"),
        ("size-limit/2048K", "size-limit/2m"),
        ("size-limit/1M!", "size-limit/1m!"),
        ("size-limit/1025k", "size-limit/1025k"),
        ("size-limit/0015k", "size-limit/15k"),
        ("minisize/1", "minsize/1"),
        ("minsize/1", "minsize/1"),
        ("minisize/1/minsize/0", ""),
        ("cgif/1", "cgif/1"),
        ("cgif/100", "cgif/100"),
        ("minsize/1/size-limit/9k/cgif/2/strip/format/jpg", "format/jpeg/strip/cgif/2/size-limit/9k/minsize/1"),
        ("AIGCMetadata/Label/MQ==", "AIGCMetadata/Label/MQ"),
        ("AIGCMetadata/ProduceID/-_8-/Label/MQ", None),  # no UTF-8
        ("ProduceID/YQ/AIGCMetadata/Label/MQ/ReservedCode1/", "AIGCMetadata/Label/MQ/ProduceID/YQ"),
        ("Label/MQ/ProduceID/YQ", ""),  # without AIGCMetadata they are no parameters of ours
    ],
)
def test_output_parameters_have_one_spelling(text: str, canonical: str | None) -> None:
    if canonical is None:
        with pytest.raises(InvalidArgument):
            parse_plan("imageMogr2/" + text)
        return
    written = format_plan(parse_plan("imageMogr2/" + text))
    assert written == "imageMogr2" + f"/{canonical}" * bool(canonical)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        (
            "size-limit",
            ["", "0k", "0m", "k", "!", "15", "-1k", "1.5m", "1025m", "1048577k", "9" * 400 + "k", "15k!!", "١k"],
        ),
        ("cgif", ["", "0", "101", "-1", "1.5", "a", "9" * 400]),
        ("minsize", ["", "2", "-1", "yes"]),
        ("minisize", ["", "2"]),
        ("AIGCMetadata/Label", ["", "=", "!", "M", "a b", "QQ" * 3000, "_w"]),
    ],
)
def test_what_is_out_of_range_is_named_with_its_value(name: str, values: list[str]) -> None:
    for value in values:
        with pytest.raises(InvalidArgument) as caught:
            parse_plan(f"imageMogr2/{name}/{value}")
        assert name in caught.value.public


def test_a_label_needs_its_label() -> None:
    with pytest.raises(InvalidArgument, match="AIGCMetadata/Label"):
        parse_plan("imageMogr2/AIGCMetadata/ProduceID/YQ")


def test_a_label_has_the_fields_of_the_standard_in_its_order() -> None:
    text = "imageMogr2/AIGCMetadata/" + "/".join(f"{name}/MQ" for name in reversed(FIELDS))
    assert parse_plan(text).label == tuple((name, "1") for name in FIELDS)


def test_the_last_stage_that_says_it_counts() -> None:
    plan = parse_plan("imageMogr2/size-limit/1m/minsize/1|imageMogr2/size-limit/20k!|imageMogr2/flip/vertical")
    assert plan.size_limit == SizeLimit(20, or_original=True)
    assert plan.minsize


@pytest.mark.parametrize(
    ("text", "canonical", "only"),
    [
        ("imageSlim", "imageSlim", True),
        ("imageSlim/", "imageSlim", True),
        ("imageMogr2|imageSlim", "imageSlim", True),
        ("imageMogr2/thumbnail/9x|imageSlim", "imageMogr2/thumbnail/9x|imageSlim", False),
        ("imageSlim|imageMogr2/strip", "imageSlim|imageMogr2/strip", False),
    ],
)
def test_slim_is_a_stage_of_its_own(text: str, canonical: str, only: bool) -> None:
    plan = parse_plan(text)
    assert format_plan(plan) == canonical
    assert plan.slim
    assert plan.only_slim is only
