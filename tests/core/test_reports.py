"""What may be asked of a picture, before any picture is at hand."""

from __future__ import annotations

import pytest

from proxy.core.grammar import format_plan, parse_plan
from proxy.core.plan import Report
from proxy.core.query import OPERATION_HEADS, split_query
from proxy.core.reports import MEDIA_TYPES, PROCESSES, REPORTS, arguments, parse_report
from proxy.errors import InvalidArgument


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_is_an_operation_of_the_query_and_its_plan_has_one_text(name: str) -> None:
    assert name in OPERATION_HEADS
    for spelling in (name, f"{name}=", f"{name}/", f"imageMogr2|{name}"):
        text = split_query(spelling.encode()).operation
        assert text is not None
        plan = parse_plan(text)
        assert (plan.stages, plan.report) == ((), Report(name))
        assert format_plan(plan) == name
    assert REPORTS[name].answers in MEDIA_TYPES


def test_what_ci_process_asks_for_is_among_them() -> None:
    assert set(PROCESSES.values()) <= REPORTS.keys()


@pytest.mark.parametrize(
    ("text", "canonical", "given"),
    [
        ("QRcode", "QRcode", {"cover": 0, "bar-type": 0}),
        ("QRcode/cover/0", "QRcode", {"cover": 0, "bar-type": 0}),
        ("QRcode/cover/01/bar-type/2", "QRcode/bar-type/2/cover/1", {"cover": 1, "bar-type": 2}),
        ("QRcode/bar-type/2/segment/1/cover/1", "QRcode/bar-type/2/cover/1", {"cover": 1, "bar-type": 2}),
        ("blurhash", "blurhash", {"x": 4, "y": 3}),
        ("blurhash/x/4/y/3", "blurhash", {"x": 4, "y": 3}),
        ("blurhash/y/9/x/1", "blurhash/x/1/y/9", {"x": 1, "y": 9}),
        ("imageInfo/nothing/5", "imageInfo", {}),
    ],
)
def test_a_report_has_one_text_and_its_defaults_are_left_out(text: str, canonical: str, given: dict[str, int]) -> None:
    plan = parse_plan(text)
    assert format_plan(plan) == canonical
    assert parse_plan(canonical) == plan
    assert plan.report is not None
    assert arguments(plan.report) == given


@pytest.mark.parametrize("value", ["", "-1", "10", "99999999999999999999", "1.5", "one", "٣", "+1"])
@pytest.mark.parametrize("parameter", ["blurhash/x", "blurhash/y", "QRcode/cover", "QRcode/bar-type"])
def test_a_malformed_parameter_is_named_with_its_value_and_range(parameter: str, value: str) -> None:
    name = parameter.partition("/")[2]
    with pytest.raises(InvalidArgument) as failure:
        parse_plan(f"{parameter}/{value}")
    assert failure.value.public.startswith(f"{name}: ")
    assert "an integer from" in failure.value.public


@pytest.mark.parametrize("text", ["blurhash/x/0", "blurhash/y/0", "QRcode/bar-type/3", "QRcode/cover/2"])
def test_the_edge_of_a_range_is_outside(text: str) -> None:
    with pytest.raises(InvalidArgument):
        parse_plan(text)


def test_others_parameters_are_ignored() -> None:
    assert parse_report("imageAve", {"cover": "x"}) == Report("imageAve")


@pytest.mark.parametrize("text", ["imageInfo|imageMogr2/rotate/90", "imageMogr2/rotate/90|exif|imageInfo"])
def test_a_report_comes_last(text: str) -> None:
    with pytest.raises(InvalidArgument, match="last stage"):
        parse_plan(text)
