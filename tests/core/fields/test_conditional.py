"""Preconditions in the order of RFC 9110 §13.2.2."""

from __future__ import annotations

import gc
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.fields.conditional import EntityTag, Outcome, evaluate, parse_entity_tags
from proxy.core.fields.dates import format_date

_GO, _SAME, _FAILED = Outcome.PROCEED, Outcome.NOT_MODIFIED, Outcome.PRECONDITION_FAILED
_CHANGED_S = 1_700_000_000
_THEN, _BEFORE, _AFTER = (format_date(_CHANGED_S + offset_s) for offset_s in (0, -1, 1))


@pytest.mark.parametrize(
    ("headers", "outcome"),
    [
        ({}, _GO),
        ({"if-match": '"a"'}, _GO),
        ({"if-match": '"b", "a"'}, _GO),
        ({"if-match": "*"}, _GO),
        ({"if-match": " * "}, _GO),
        ({"if-match": '"b"'}, _FAILED),
        ({"if-match": 'W/"a"'}, _FAILED),  # strong comparison
        ({"if-match": ""}, _FAILED),
        ({"if-match": '"b"', "if-none-match": '"a"'}, _FAILED),
        ({"if-match": '"a"', "if-none-match": '"a"'}, _SAME),
        ({"if-match": '"a"', "if-unmodified-since": _BEFORE}, _GO),  # ignored beside If-Match
        ({"if-unmodified-since": _THEN}, _GO),
        ({"if-unmodified-since": _AFTER}, _GO),
        ({"if-unmodified-since": _BEFORE}, _FAILED),
        ({"if-unmodified-since": "garbage"}, _GO),
        ({"if-unmodified-since": _BEFORE, "if-none-match": '"a"'}, _FAILED),
        ({"if-none-match": '"a"'}, _SAME),
        ({"if-none-match": 'W/"a"'}, _SAME),  # weak comparison
        ({"if-none-match": '"x","y" , W/"z",\t"a"'}, _SAME),
        ({"if-none-match": "*"}, _SAME),
        ({"if-none-match": "a"}, _SAME),  # bare hashes of S3 clients
        ({"if-none-match": '"b"'}, _GO),
        ({"if-none-match": ""}, _GO),
        ({"if-none-match": '"A"'}, _GO),
        ({"if-none-match": '"b"', "if-modified-since": _AFTER}, _GO),  # If-None-Match alone decides
        ({"if-none-match": '"a"', "if-modified-since": _BEFORE}, _SAME),
        ({"if-modified-since": _THEN}, _SAME),
        ({"if-modified-since": _AFTER}, _SAME),
        ({"if-modified-since": _BEFORE}, _GO),
        ({"if-modified-since": "0"}, _GO),
        ({"if-modified-since": "Tuesday, 14-Nov-23 22:13:20 GMT"}, _SAME),
        ({"range": "bytes=0-1", "if-range": '"b"'}, _GO),
    ],
    ids=str,
)
def test_a_request_is_judged_by_its_preconditions(headers: dict[str, str], outcome: Outcome) -> None:
    assert evaluate(headers, etag='"a"', last_modified_s=_CHANGED_S) is outcome
    assert evaluate(headers, etag='"a"', last_modified_s=_CHANGED_S, method="HEAD") is outcome


@pytest.mark.parametrize(
    ("headers", "outcome"),
    [
        ({"if-none-match": '"a"'}, _FAILED),
        ({"if-none-match": '"b"'}, _GO),
        ({"if-match": '"b"'}, _FAILED),
        ({"if-modified-since": _AFTER}, _GO),
        ({"if-unmodified-since": _BEFORE}, _FAILED),
    ],
    ids=str,
)
def test_a_writing_method_never_gets_304(headers: dict[str, str], outcome: Outcome) -> None:
    assert evaluate(headers, etag='"a"', last_modified_s=_CHANGED_S, method="PUT") is outcome


@pytest.mark.parametrize(
    ("headers", "outcome"),
    [
        ({"if-none-match": '"a"'}, _GO),
        ({"if-none-match": "*"}, _SAME),
        ({"if-match": '"a"'}, _FAILED),
        ({"if-match": "*"}, _GO),
        ({"if-modified-since": _AFTER}, _GO),
        ({"if-unmodified-since": _BEFORE}, _GO),
    ],
    ids=str,
)
def test_what_has_no_validators_only_exists(headers: dict[str, str], outcome: Outcome) -> None:
    assert evaluate(headers, etag=None, last_modified_s=None) is outcome


def test_a_weak_tag_of_ours_never_matches_strongly() -> None:
    assert evaluate({"if-match": 'W/"a"'}, etag='W/"a"', last_modified_s=None) is _FAILED
    assert evaluate({"if-none-match": '"a"'}, etag='W/"a"', last_modified_s=None) is _SAME


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("", []),
        (", ,", []),
        ('"a,b", "c"', [("a,b", False), ("c", False)]),
        (r'"a\", "b"', [("a\\", False), ("b", False)]),  # backslashes escape nothing (§8.8.3)
        ('""', [("", False)]),
        ('W/"a"', [("a", True)]),
        ('w/"a", "b"', [("b", False)]),  # the flag is case-sensitive
        ('"a"x, "b"', [("b", False)]),
        ('"a', []),
        ("W/", []),
        ("d41d8cd98f00b204e9800998ecf8427e-3", [("d41d8cd98f00b204e9800998ecf8427e-3", False)]),
        ('"ü"', [("ü", False)]),
        ('"a",' * 2000, []),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_lists_of_tags_are_read(text: str, tags: list[tuple[str, bool]]) -> None:
    assert [(tag.opaque, tag.weak) for tag in parse_entity_tags(text)] == tags


_OPAQUE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters='"\x7f'), max_size=12)
_TAGS = st.builds(EntityTag, _OPAQUE, st.booleans())


@given(st.lists(_TAGS, max_size=6))
def test_parsing_inverts_formatting(tags: list[EntityTag]) -> None:
    assert parse_entity_tags(", ".join(tag.format() for tag in tags)) == tuple(tags)


@given(_TAGS, _TAGS)
def test_comparison_is_symmetric_and_strong_implies_weak(one: EntityTag, other: EntityTag) -> None:
    assert one.is_strongly(other) == other.is_strongly(one)
    assert one.is_weakly(other) == other.is_weakly(one)
    assert one.is_weakly(other) or not one.is_strongly(other)


@given(st.text(max_size=100), st.text(max_size=100), st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_judged_without_an_error(match: str, none_match: str, since: str, until: str) -> None:
    headers = {"if-none-match": none_match, "if-modified-since": since, "if-unmodified-since": until}
    evaluate(headers, etag='"a"', last_modified_s=1)
    evaluate({**headers, "if-match": match}, etag='"a"', last_modified_s=1)


@pytest.mark.parametrize("piece", ["a,", '"a",', "W/", '"', ",", '"a" ', 'W/",', "a\t"])
def test_sixty_four_kilobytes_of_malice_cost_next_to_nothing(piece: str) -> None:
    text = piece * (65_536 // len(piece))
    gc.collect()  # what other tests left behind is not this one's cost, nor are other threads
    started_s = time.thread_time()
    parse_entity_tags(text)
    parse_entity_tags(text[:4096])
    assert time.thread_time() - started_s < 0.1
