"""The purges of a node, written down beside its disk tier: copies made before are no good after a restart either."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from proxy.core.purges import Ledger, Purge

NAME = "purges.jsonl"
_SPARE_LINES = 1000


def append(directory: Path, record: Mapping[str, Any]) -> None:
    """Write *record* down in the disk tier's *directory* so that it survives a crash; blocks.  The supervisor alone does.

    A file of many purges is written anew with only those that still matter.
    """
    directory.mkdir(0o700, parents=True, exist_ok=True)
    path = directory / NAME
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")
        file.flush()
        os.fsync(file.fileno())
    purges = read(directory)
    ledger = Ledger(purges)
    if len(purges) > len(ledger) + _SPARE_LINES:
        fresh = path.with_suffix(".new")
        fresh.write_text("".join(json.dumps(each.to_json()) + "\n" for each in ledger), encoding="utf-8")
        fresh.replace(path)


def read(directory: Path) -> list[Purge]:
    """The purges noted in *directory*; a line that is none, such as one that a crash tore, is skipped.  Blocks."""
    found = []
    try:
        lines = (directory / NAME).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    for line in lines:
        try:
            found.append(Purge.from_json(json.loads(line)))
        except (ValueError, TypeError, KeyError):
            continue
    return found
