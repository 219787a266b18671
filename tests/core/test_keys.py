"""Keys that stay what they are."""

from __future__ import annotations

from proxy.core.keys import SCHEMA_VERSION, entity_tag, facts_key, persist_path, rendition_key, source_key
from proxy.core.model import Rendition, Source

_SOURCE = Source("examplebucket-1250000000", "a/b c/é.jpg")
_RENDITION = Rendition(source=_SOURCE, plan_text="imageMogr2/thumbnail/800x", format="webp", policy="1")


def test_keys_are_the_same_on_every_replica_and_in_every_year() -> None:
    """Stored results outlive releases: whoever changes these values must raise the schema version."""
    assert SCHEMA_VERSION == 1
    assert source_key(_SOURCE) == "cc37666740b6e16f8f482cffccd3ab33776ff08c9f2f1fde7f5db15ec1d7bd16"
    assert facts_key(_SOURCE) == "3c351b412393c261b78905b07d043589ef86376605eb7d5bc08d88fdc6529e5f"
    assert rendition_key(_RENDITION) == "8c442dd197f159e05f640df8df07301d8dca7db1cb14bd7e2b6ddb1ac28c0283"


def test_a_rendition_is_kept_under_the_prefix_in_the_folder_of_its_source() -> None:
    path = persist_path(".mogr/", _SOURCE, _RENDITION)
    assert path == f".mogr/{source_key(_SOURCE)}/{rendition_key(_RENDITION)}"
    assert len(path.encode()) < 850


def test_an_entity_tag_is_strong_and_that_of_the_bytes() -> None:
    assert entity_tag(b"") == '"e3b0c44298fc1c149afbf4c8996fb924"'
    assert entity_tag(b"a") != entity_tag(b"b")
