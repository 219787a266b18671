"""The purges of a node, written down beside its disk tier: copies made before are no good after a restart either."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from proxy.core.purges import Ledger, Purge

NAME = "purges.jsonl"
REPLICAS_NAME = "purges-of-replicas.jsonl"
_LOCK = "purges.lock"
_SPARE_LINES = 1000


def append(directory: Path, record: Mapping[str, Any], name: str = NAME) -> None:
    """Write *record* down in the disk tier's *directory* so that it survives a crash; blocks.

    Each file has one writer at a time: the supervisor; ``note`` has another *name*.

    A file of many purges is written anew with only those that still matter.
    """
    directory.mkdir(0o700, parents=True, exist_ok=True)
    path = directory / name
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")
        file.flush()
        os.fsync(file.fileno())
    purges = _read(path)
    ledger = Ledger(purges)
    if len(purges) > len(ledger) + _SPARE_LINES:
        fresh = path.with_suffix(".new")
        fresh.write_text("".join(json.dumps(each.to_json()) + "\n" for each in ledger), encoding="utf-8")
        fresh.replace(path)


def note(directory: Path, purge: Purge) -> bool:
    """Write a replica's *purge* down as ``append`` does, whichever process comes first; False if it is there already."""
    directory.mkdir(0o700, parents=True, exist_ok=True)
    with (directory / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if any(each.id == purge.id for each in read(directory)):
            return False
        append(directory, purge.to_json(), REPLICAS_NAME)
        return True


def read(directory: Path) -> list[Purge]:
    """The purges noted in *directory*; a line that is none, such as one that a crash tore, is skipped.  Blocks."""
    return [*_read(directory / NAME), *_read(directory / REPLICAS_NAME)]


def _read(path: Path) -> list[Purge]:
    found = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    for line in lines:
        try:
            found.append(Purge.from_json(json.loads(line)))
        except (ValueError, TypeError, KeyError):
            continue
    return found
