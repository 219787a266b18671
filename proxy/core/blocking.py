"""Keys that may not be answered, whatever is kept of them: a legal take-down (RFC 7725)."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable


class Blocklist:
    """Keys, and prefixes written with a ``*`` at their end; cheap to ask where it is empty."""

    def __init__(self, patterns: Iterable[str] = ()) -> None:
        patterns = tuple(patterns)
        self._keys = frozenset(each for each in patterns if not each.endswith("*"))
        self._prefixes = tuple(each[:-1] for each in patterns if each.endswith("*"))

    def __bool__(self) -> bool:
        return bool(self._keys or self._prefixes)

    def covers(self, key: str) -> bool:
        """Whether *key*, or what an origin could take it for (dots, doubled slashes, backslashes), is blocked."""
        if not self:
            return False
        plain = posixpath.normpath("/" + key.replace("\\", "/")).lstrip("/")
        return any(each in self._keys or each.startswith(self._prefixes) for each in (key, plain))
