"""What may be asked of a picture, before any picture is at hand."""

from __future__ import annotations

import pytest
from reporting import SHORTEST

from proxy.core.grammar import format_plan, parse_plan
from proxy.core.plan import Need, Report
from proxy.core.query import OPERATION_HEADS, split_query
from proxy.core.reports import MEDIA_TYPES, PROCESSES, REPORTS, arguments, parse_report
from proxy.errors import InvalidArgument


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_is_an_operation_of_the_query_and_its_plan_has_one_text(name: str) -> None:
    assert name.partition("/")[0] in OPERATION_HEADS
    shortest = SHORTEST[name]
    for spelling in (shortest, f"{shortest}=", f"{shortest}/", f"imageMogr2|{shortest}"):
        text = split_query(spelling.encode()).operation
        assert text is not None
        plan = parse_plan(text)
        assert plan.report is not None
        assert (plan.stages, plan.report.name) == ((), name)
        assert format_plan(plan) == shortest
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


B64 = "aHR0cDovL2Ivaw"


@pytest.mark.parametrize(("text", "canonical", "needs"), [
    ("watermark/4/type/3", "watermark/4/type/3", ()),
    ("watermark/4/type/03/text/xxx/version/3.0", "watermark/4/type/3", ()),
    ("watermark/4/type/3/text", "watermark/4/type/3", ()),
    (f"watermark/4/image/{B64}==/type/2/level/2", f"watermark/4/type/2/image/{B64}", ("http://b/k", "")),
    (f"watermark/4/type/1/image/{B64}", f"watermark/4/type/1/image/{B64}", ("http://b/k", "")),
    ("watermark/4/type/1/image_key/YQ==", "watermark/4/type/1/image_key/YQ", ("", "a")),
])  # fmt: skip
def test_extracting_a_mark_names_the_picture_that_it_compares_with(
    text: str, canonical: str, needs: tuple[str, str] | tuple[()]
) -> None:
    plan = parse_plan(text)
    assert format_plan(plan) == canonical
    assert parse_plan(canonical) == plan
    assert plan.needs == ((Need(url=needs[0], key=needs[1], within_px=768),) if needs else ())


@pytest.mark.parametrize(("text", "names"), [
    ("watermark/4", "type"), ("watermark/4/text/aGk", "type"), ("watermark/4/type/4", "type"), ("watermark/4/type/0", "type"),
    ("watermark/4/type/", "type"), ("watermark/4/type/2", "image"), ("watermark/4/type/1/image/", "image"),
    ("watermark/4/type/1/image/!", "image"), ("watermark/4/type/2/image/aHR0cHM6Ly9iL2s", "image"),
    ("watermark/4/type/3/version/9", "version"), ("watermark/4/type/2/image_key/", "image_key"),
    ("watermark/4/type/3|imageMogr2/rotate/90", "operation"),
])  # fmt: skip
def test_extracting_a_mark_refuses_what_is_malformed(text: str, names: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse_plan(text)
    assert caught.value.public.startswith(f"{names}: ")


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
