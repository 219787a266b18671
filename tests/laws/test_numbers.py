"""Every number in every operation's text: refused by name where it is none or out of range, unless a rule says otherwise.

The numbers are found in the texts of ``plans``, where each operation of the catalogue has its own: a new one is held to this at once,
and is refused zero, minus, fractions and emptiness unless a line here lets it take them.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from plans import ALONE, OUTPUTS

from proxy.core import output
from proxy.core.grammar import format_plan, parse_plan
from proxy.core.limits import check_output
from proxy.core.model import Frame, ImageLimits
from proxy.core.reports import REPORTS
from proxy.core.schedule import schedule
from proxy.errors import ImageResolutionExceed, InvalidArgument
from proxy.formats import CATALOGUE as FORMATS
from proxy.ops import CATALOGUE
from proxy.ops.numbers import MAX_INTEGER

TEXTS = {**ALONE, "output": OUTPUTS.map("imageMogr2/{}".format)}
_NUMERIC = re.compile(r"(?:auto:)?(?=.*[0-9])[-0-9x.!@<>prkKmM]+")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_PARAMETERS_BEGIN_AT = {"watermark": 2}
"""The token from which on names and values stand; the number of a watermark is part of its name."""

ROOT = Path(__file__).resolve().parents[2]
_NOT_OURS = {"bogus"}
"""Names that are ignored with their values."""

NOT_PROCESSED = {"thumbnail/!{}p", "thumbnail/!{}px", "thumbnail/!x{}p"}
"""A scale outside 1 to 1000, whatever its length (CI 436/36366)."""
OF_OUTPUT = {"q", "rq", "lq", "interlace", "ignore-error"}
"""What ``imageView2`` reads besides, whose ranges are said under Encoding."""
OPEN_ENDED = {"rcrop/{}x#", "blur/#x{}"}
"""The one ends where the other number begins, the other counts as 1,000 from there on."""
FLAGS = {"strip/{}", "auto-orient/{}"}
"""They may have a value or none: what is no digit is the next parameter's name."""
ZERO_MEANS = {
    *NOT_PROCESSED, *FLAGS, "rotate/{}", "degree/{}", "dx/{}", "dy/{}", "cut/#x#x{}x#", "cut/#x#x#x{}", "index/{}", "trim/{}",
    "bright/{}", "contrast/{}", "saturation/{}", "grayscale/{}", "interlace/{}", "ignore-error/{}", "pad/{}", "minsize/{}",
    "minisize/{}", "quality/{}", "quality/{}!", "rquality/{}", "lquality/{}", "q/{}", "rq/{}", "lq/{}", "imageView2/{}", "blogo/{}",
    "batch/{}", "spacing/{}", "shadow/{}", "cover/{}", "bar-type/{}",
}  # fmt: skip
MINUS_MEANS = {*NOT_PROCESSED, *FLAGS, "bright/{}", "contrast/{}", "saturation/{}"}
FRACTIONS_MEAN = {*FLAGS, "blur/#x{}", "dpr/{}"}
NOTHING_MEANS = {*FLAGS, "thumbnail/{}x#", "thumbnail/#x{}", "crop/{}x#", "crop/#x{}"}
"""One side of two may be left out."""
ANY_LENGTH_MEANS = {*NOT_PROCESSED}
FOREIGN = ("NaN", "abc", "1e1", "٣", "１", "²", "0x1", "1_0", "+1", " 1", "1 ", "%31", "1.", ".5", "1.5.5", "--1", "1-")
LONGEST = ("99999999999", "9" * 5000)


@cache
def numbers(name: str) -> dict[str, str]:
    """The numbers in the texts of *name*, and for each of them such a text with {} in its place."""
    found: dict[str, str] = {}

    @settings(max_examples=300, derandomize=True, database=None, phases=[Phase.generate])
    @given(TEXTS[name])
    def collect(text: str) -> None:
        for key, template in _numbers_of(text):
            if len(template) < len(found.get(key, template + "x")):
                found[key] = template

    collect()
    return found


def _numbers_of(text: str) -> Iterator[tuple[str, str]]:
    *stages, last = text.split("|")  # what stands before only gives the operation room
    tokens = last.split("/")
    start = _PARAMETERS_BEGIN_AT.get(tokens[0], 0)
    for at, (name, value) in enumerate(pairwise(tokens[start:]), start + 1):
        if not _NUMERIC.fullmatch(value) or _NUMERIC.fullmatch(name) or name in _NOT_OURS:
            continue
        for number in _NUMBER.finditer(value):
            before, after = value[: number.start()], value[number.end() :]
            key = f"{name}/{_NUMBER.sub('#', before)}{{}}{_NUMBER.sub('#', after)}"
            yield key, "|".join([*stages, "/".join([*tokens[:at], f"{before}{{}}{after}", *tokens[at + 1 :]])])


def of_reports() -> dict[str, str]:
    return {f"{key}/{{}}": f"{name}/{key}/{{}}" for name, kind in REPORTS.items() for key in kind.parameters}


def every() -> list[str]:
    return [*TEXTS, "reports"]


def templates(name: str) -> dict[str, str]:
    return of_reports() if name == "reports" else numbers(name)


def check_refused(key: str, text: str) -> None:
    """*text* is refused by the name of the parameter in *key*, with what was expected."""
    with pytest.raises(InvalidArgument) as caught:
        parse_plan(text)
    said = caught.value.public
    parameter = said.partition(": ")[0].rpartition("/")[2]
    assert parameter == key.partition("/")[0], (text, said)
    assert ", expected " in said
    assert len(said) < 400
    assert said.isprintable()


def check_means_something(text: str) -> None:
    """*text* is a plan with one text, and what it makes of a picture keeps the limits or is refused."""
    plan = parse_plan(text)
    assert parse_plan(format_plan(plan)) == plan
    limits, webp = ImageLimits(), FORMATS["webp"]
    try:
        found = schedule(plan, Frame(width_px=60, height_px=40), output=webp, auto=False, orient=False, limits=limits)
    except (InvalidArgument, ImageResolutionExceed):
        return
    check_output(found.frame, webp, limits)


def check(name: str, number: str, means: set[str]) -> None:
    for key, template in templates(name).items():
        text = template.replace("{}", number)
        if key in means:
            check_means_something(text)
        else:
            check_refused(key, text)


@pytest.mark.parametrize("name", every())
def test_zero(name: str) -> None:
    check(name, "0", ZERO_MEANS)


@pytest.mark.parametrize("name", every())
@pytest.mark.parametrize("number", ["-1", "-100"])
def test_minus(name: str, number: str) -> None:
    check(name, number, MINUS_MEANS)


@pytest.mark.parametrize("name", every())
def test_a_minus_without_end(name: str) -> None:
    check(name, "-" + "9" * 400, {*NOT_PROCESSED, *FLAGS})


@pytest.mark.parametrize("name", every())
def test_a_fraction(name: str) -> None:
    check(name, "1.5", FRACTIONS_MEAN)


@pytest.mark.parametrize("name", every())
def test_nothing(name: str) -> None:
    check(name, "", NOTHING_MEANS)


@pytest.mark.parametrize("name", every())
@pytest.mark.parametrize("number", LONGEST, ids=["eleven digits", "five thousand digits"])
def test_what_no_computer_counts_to(name: str, number: str) -> None:
    check(name, number, ANY_LENGTH_MEANS)


@pytest.mark.parametrize("name", every())
@pytest.mark.parametrize("number", FOREIGN)
def test_what_is_no_number(name: str, number: str) -> None:
    check(name, number, FLAGS)


@pytest.mark.parametrize("name", every())
@pytest.mark.parametrize("number", ["10000", "999999", "2147483647", "2147483648", "9999999999"])
def test_large_numbers_are_refused_or_keep_the_limits(name: str, number: str) -> None:
    for template in templates(name).values():
        text = template.replace("{}", number)
        try:
            parse_plan(text)
        except InvalidArgument:
            continue
        check_means_something(text)


def bounds(template: str) -> tuple[int, int] | None:
    """The least and the largest integer that can be read in place of ``{}``, with everything in between; None: no integer can."""

    def read(number: int) -> bool:
        try:
            parse_plan(template.replace("{}", str(number)))
        except InvalidArgument:
            return False
        return True

    inside = next((number for number in (1, 2, 3, 5, 10, 50, 100, 150, 300, 1000) if read(number)), None)
    if inside is None:
        return None
    ends = []
    for far in (-(10**10), 10**10):
        within, without = inside, far
        while abs(without - within) > 1:
            middle = (within + without) // 2
            within, without = (middle, without) if read(middle) else (within, middle)
        ends.append(within)
    return ends[0], ends[1]


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_page_of_operations_says_every_range(name: str) -> None:
    """Ranges as they are read, not as they are declared; those without an end need no number."""
    page = (ROOT / "docs/operations.md").read_text()
    section = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    said = set(re.findall("-?[0-9]+", re.sub(r"(?<=[0-9])-(?=[0-9])|^`/.*`$", " ", section, flags=re.MULTILINE)))
    for key, template in numbers(name).items():
        if key in NOT_PROCESSED | FLAGS or key.partition("/")[0] in OF_OUTPUT:
            continue
        found = bounds(template)
        if found is None:
            continue
        low, high = found
        assert str(low) in said, key
        assert high == MAX_INTEGER or key in OPEN_ENDED or str(high) in said, (key, high)


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_texts_of_an_operation_have_all_its_parameters(name: str) -> None:
    seen: set[str] = set()

    @settings(max_examples=300, derandomize=True, database=None, phases=[Phase.generate])
    @given(ALONE[name])
    def collect(text: str) -> None:
        seen.update(text.split("/"))

    collect()
    assert CATALOGUE[name].modifiers <= seen


def test_the_texts_of_outputs_have_every_parameter_that_is_read() -> None:
    """``parse_output`` names them in the patterns of its ``match``."""
    tree = ast.parse(inspect.getsource(output.parse_output))
    names = {node.value.value for node in ast.walk(tree) if isinstance(node, ast.MatchValue)}
    assert "quality" in names
    texts: set[str] = set()

    @settings(max_examples=300, derandomize=True, database=None, phases=[Phase.generate])
    @given(OUTPUTS)
    def collect(text: str) -> None:
        texts.update(text.split("/"))

    collect()
    assert names <= texts
    assert {key.partition("/")[0] for key in numbers("output")} >= {"quality", "size-limit", "cgif", "dpr"}
    assert {"quality/auto:{}", "quality/auto:{}!"} <= numbers("output").keys()


def test_the_exceptions_are_numbers_that_there_are() -> None:
    known = {key for name in every() for key in templates(name)}
    assert known >= ZERO_MEANS | MINUS_MEANS | FRACTIONS_MEAN | NOTHING_MEANS
    assert len(known) > 50
