"""What was measured once, kept in the temporary directory: measuring takes an hour, and a script is run more than once."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

FOLDER = Path(tempfile.gettempdir()) / "mogr-bench"


class Cache:
    """JSON values by JSON keys, in one file of lines that is only appended to."""

    def __init__(self, name: str) -> None:
        self._path = FOLDER / f"{name}.jsonl"
        self._held: dict[str, Any] = {}
        if self._path.exists():
            for line in self._path.read_text().splitlines():
                key, value = json.loads(line)
                self._held[key] = value

    def get(self, key: object, make: Callable[[], Any]) -> Any:
        """What was kept under *key*, or is made now and kept."""
        named = _named(key)
        if named not in self._held:
            self._held[named] = make()
            FOLDER.mkdir(parents=True, exist_ok=True)
            with self._path.open("a") as file:
                file.write(json.dumps([named, self._held[named]]) + "\n")
        return self._held[named]

    def peek(self, key: object) -> Any:
        """What was kept under *key*; None if nothing was."""
        return self._held.get(_named(key))


def _named(key: object) -> str:
    return hashlib.sha256(json.dumps(key, sort_keys=True, default=dict).encode()).hexdigest()[:24]
