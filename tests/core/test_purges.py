"""What a purge means for a copy: by what it is of, and by when it was made."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.model import Provenance, Source
from proxy.core.purges import NONE, Horizon, Ledger, Purge, Standing
from proxy.core.tags import standing_tags

CAT = Source("b", "cats/one.jpg")
WIDTH = "imageMogr2/thumbnail/100x"


def purge(kind: str, value: str, *, at_s: float = 10.0, id: str = "1", **more: object) -> Purge:
    bucket = "" if kind == "tag" else "b"
    return Purge.from_json({"id": id, "kind": kind, "value": value, "at_s": at_s, "bucket": bucket} | more)


GONE = Horizon(10.0, 10.0)


@pytest.mark.parametrize(
    ("entered", "of_source", "of_url"),
    [
        (purge("source", "cats/one.jpg"), GONE, GONE),
        (purge("source", "cats/two.jpg"), NONE, NONE),
        (purge("prefix", "cats/"), GONE, GONE),
        (purge("prefix", ""), GONE, GONE),
        (purge("prefix", "cats/one.jpg/"), NONE, NONE),
        (purge("tag", "kittens"), GONE, GONE),
        (purge("tag", "dogs"), NONE, NONE),
        (purge("url", "cats/one.jpg", plan_text=WIDTH), NONE, GONE),
        (purge("url", "cats/one.jpg", plan_text="imageMogr2"), NONE, NONE),
        (purge("url", "cats/one.jpg"), NONE, NONE),  # the object itself
        (purge("source", "cats/one.jpg", refresh=True), Horizon(0.0, 10.0), Horizon(0.0, 10.0)),
    ],
)
def test_what_is_meant(entered: Purge, of_source: Horizon, of_url: Horizon) -> None:
    ledger = Ledger([entered])
    assert ledger.of_source(CAT, ("kittens", "b")) == of_source
    assert ledger.of_url(CAT, WIDTH, ("kittens", "b")) == of_url
    assert ledger.of_source(Source("other", CAT.key)) == NONE


def test_the_object_itself_and_its_queries_are_apart() -> None:
    ledger = Ledger([purge("url", CAT.key), purge("url", CAT.key, id="2", at_s=20.0, raw_query="v=2")])
    assert ledger.of_url(CAT, None) == GONE
    assert ledger.of_url(CAT, None, raw_query="v=2") == Horizon(20.0, 20.0)
    assert ledger.of_url(CAT, None, raw_query="v=3") == NONE


def test_the_latest_counts_of_each_kind() -> None:
    ledger = Ledger([purge("source", CAT.key, refresh=True, at_s=30.0), purge("prefix", "cats", id="2", at_s=20.0)])
    assert ledger.of_source(CAT) == Horizon(20.0, 30.0)


def test_a_purge_is_entered_once() -> None:
    ledger = Ledger()
    assert (ledger.add(purge("source", CAT.key)), ledger.add(purge("source", CAT.key))) == (True, False)
    assert (len(ledger), ledger.generation) == (1, 1)


def test_what_is_forgotten_counts_for_everything_from_before() -> None:
    ledger = Ledger((purge("source", f"{n}", id=f"{n}", at_s=float(n)) for n in range(1, 22)), max_entries=20)
    assert len(list(ledger)) == 12
    assert ledger.of_source(Source("b", "3")) == ledger.of_source(CAT) == Horizon(10.0, 10.0)
    assert ledger.of_source(Source("b", "15")) == Horizon(15.0, 15.0)
    assert not ledger.add(purge("source", "late", id="late", at_s=9.0))
    again = Ledger(ledger, max_entries=20)
    assert again.of_source(CAT) == ledger.of_source(CAT)
    assert again.of_source(Source("b", "15")) == Horizon(15.0, 15.0)


@pytest.mark.parametrize(
    ("entered", "copy", "expected"),
    [
        (purge("source", CAT.key), Provenance(source=CAT), Standing.GONE),
        (purge("source", CAT.key), Provenance(source=CAT, asked_at_s=10.0), Standing.GONE),
        (purge("source", CAT.key), Provenance(source=CAT, asked_at_s=9.0, made_at_s=11.0), Standing.GONE),
        (purge("source", CAT.key), Provenance(source=CAT, asked_at_s=10.5, made_at_s=11.0), Standing.GOOD),
        (purge("source", CAT.key), Provenance(source=Source("b", "other")), Standing.GOOD),
        (purge("source", CAT.key, refresh=True), Provenance(source=CAT), Standing.STALE),
        (purge("url", CAT.key, plan_text=WIDTH), Provenance(source=CAT, asked_at_s=1.0), Standing.GOOD),
        (purge("url", CAT.key, plan_text=WIDTH), Provenance(source=CAT, plan_text=WIDTH, made_at_s=9.0), Standing.GONE),
        (
            purge("url", CAT.key, plan_text=WIDTH),
            Provenance(source=CAT, plan_text=WIDTH, made_at_s=11.0),
            Standing.GOOD,
        ),
        (purge("tag", "kittens"), Provenance(source=CAT, tags=("kittens",)), Standing.GONE),
        (purge("tag", "kittens"), Provenance(source=CAT, tags=None), Standing.GONE),
        (purge("tag", "kittens"), Provenance(source=CAT), Standing.GOOD),
        (purge("tag", "b"), Provenance(source=CAT), Standing.GONE),
        (purge("tag", standing_tags(CAT)[1]), Provenance(source=CAT), Standing.GONE),
        (purge("tag", "b", bucket="c"), Provenance(source=CAT), Standing.GOOD),
        (purge("tag", "b", bucket="b"), Provenance(source=CAT), Standing.GONE),
    ],
)
def test_what_becomes_of_a_copy(entered: Purge, copy: Provenance, expected: Standing) -> None:
    assert Ledger([entered]).judge(copy) is expected
    assert Ledger().judge(copy) is Standing.GOOD


def test_a_copy_is_judged_by_the_tags_of_now_too() -> None:
    ledger = Ledger([purge("tag", "kittens")])
    assert ledger.judge(Provenance(source=CAT), ("kittens",)) is Standing.GONE


purges = st.builds(
    Purge,
    id=st.uuids().map(str),
    kind=st.sampled_from(["url", "source", "prefix", "tag"]),
    at_s=st.floats(0, 1e10),
    bucket=st.sampled_from(["b", "c"]),
    value=st.sampled_from(["cats/one.jpg", "cats", "", "kittens"]),
    plan_text=st.sampled_from([None, WIDTH]),
    raw_query=st.sampled_from(["", "v=1"]),
    refresh=st.booleans(),
)


@given(st.lists(purges, max_size=8), st.randoms())
def test_the_order_of_arrival_makes_no_difference_and_records_lose_nothing(entered: list[Purge], random) -> None:
    shuffled = [Purge.from_json(json.loads(json.dumps(each.to_json()))) for each in entered]
    random.shuffle(shuffled)
    one, other = Ledger(entered), Ledger(shuffled)
    assert one.of_source(CAT, ("kittens",)) == other.of_source(CAT, ("kittens",))
    assert one.of_url(CAT, WIDTH) == other.of_url(CAT, WIDTH)
    assert one.of_url(CAT, None) == other.of_url(CAT, None)


@pytest.mark.parametrize(
    "record", [{}, {"id": "1", "kind": "everything", "at_s": 1.0}, {"id": "1", "kind": "tag", "at_s": "x"}]
)
def test_what_is_no_purge_is_refused(record: dict[str, object]) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        Purge.from_json(record)
