"""Different things have different keys, equal things equal ones; hostile parts change nothing about it."""

from __future__ import annotations

from dataclasses import fields, replace

from hypothesis import given
from hypothesis import strategies as st

from proxy.core.keys import facts_key, persist_path, rendition_key, score_key, source_key
from proxy.core.model import PRESETS, Rendition, Source

# Separators, quotes and brackets of every framing one might think of, and lone surrogates beside what they stand for.
_PARTS = st.text(st.sampled_from('ab/|\n\0",[]\\é\ud83d\ude00😀'), max_size=5)
_SOURCES = st.builds(Source, _PARTS, _PARTS)
_RENDITIONS = st.builds(
    Rendition,
    source=_SOURCES,
    plan_text=_PARTS,
    format=_PARTS,
    auto=st.booleans(),
    orient=st.booleans(),
    or_original=st.booleans(),
    preset=st.sampled_from(PRESETS),
    quality=st.none() | st.integers(1, 100),
    policy=_PARTS,
)


@given(_RENDITIONS, _RENDITIONS)
def test_renditions_are_equal_exactly_if_their_keys_are(one: Rendition, other: Rendition) -> None:
    assert (rendition_key(one) == rendition_key(other)) == (one == other)
    assert rendition_key(one) == rendition_key(replace(one))


@given(_SOURCES, _SOURCES)
def test_sources_are_equal_exactly_if_their_keys_are(one: Source, other: Source) -> None:
    assert (source_key(one) == source_key(other)) == (one == other)
    assert (facts_key(one) == facts_key(other)) == (one == other)
    assert source_key(one) != facts_key(other)


@given(_RENDITIONS, st.data())
def test_every_field_of_a_rendition_is_in_its_key(rendition: Rendition, data: st.DataObject) -> None:
    for field in fields(Rendition):
        value = getattr(rendition, field.name)
        if isinstance(value, bool):
            changed: object = not value
        elif field.name == "quality":
            changed = data.draw((st.none() | st.integers(1, 100)).filter(lambda other, value=value: other != value))
        elif isinstance(value, Source):
            changed = data.draw(_SOURCES.filter(lambda other, value=value: other != value))
        elif value in PRESETS:
            changed = data.draw(st.sampled_from(PRESETS).filter(lambda other, value=value: other != value))
        else:
            changed = f"{value}x"
        other = replace(rendition, **{field.name: changed})
        # A field that says nothing of the bytes is not compared either.
        assert (rendition_key(other) == rendition_key(rendition)) is not field.compare, field.name
        assert (score_key(other) == score_key(rendition)) is (not field.compare or field.name == "quality"), field.name
        assert score_key(rendition) != rendition_key(rendition)


@given(_PARTS, _PARTS, _PARTS, _PARTS)
def test_what_moves_across_a_border_changes_the_key(bucket: str, key: str, plan_text: str, moved: str) -> None:
    if not moved:
        return
    one = Rendition(source=Source(bucket, key + moved), plan_text=plan_text, format="webp")
    other = Rendition(source=Source(bucket, key), plan_text=moved + plan_text, format="webp")
    assert rendition_key(one) != rendition_key(other)


@given(_RENDITIONS)
def test_a_stored_path_holds_nothing_a_client_wrote(rendition: Rendition) -> None:
    path = persist_path("", rendition.source, rendition)
    assert set(path) <= set("0123456789abcdef/")
    assert [len(part) for part in path.split("/")] == [64, 64]
