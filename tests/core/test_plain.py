"""Records as plain mappings: what ``dataclasses.asdict`` makes of them, without copies."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from proxy.core.model import Frame, Provenance, Source, Traits
from proxy.core.plain import plain

SOURCE = Source("bucket", "key")
RECORDS = [
    SOURCE,
    Traits(format="jpeg", frame=Frame(width_px=1, height_px=2)),
    Provenance(source=SOURCE, tags=("a", "b")),
    Provenance(source=SOURCE, tags=None),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda each: type(each).__name__)
def test_it_says_what_asdict_says(record) -> None:
    assert plain(record) == asdict(record)
    assert json.dumps(plain(record)) == json.dumps(asdict(record))


def test_what_is_no_record_is_refused() -> None:
    with pytest.raises(TypeError, match="dict is no record"):
        plain({})
