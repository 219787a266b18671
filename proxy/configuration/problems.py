"""What is wrong with a configuration, in the operator's words: where, which key, its value, what was expected."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

Path = tuple[str | int, ...]
"""Keys and list positions from the root of the tree to a value."""

STARS = "***"
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SHOWN_LETTERS = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing to correct; its text is one line."""

    where: str
    """The file, environment variable or flag that holds the value, or should."""
    key: str
    """As in the file: ``server.port``; empty if it concerns the whole file."""
    value: str | None = None
    """As TOML, shortened; stars for a secret; None if there is none, or if it could be a secret under a wrong name."""
    expected: str

    def __str__(self) -> str:
        subject = ": ".join(part for part in (self.where, self.key) if part)
        return f"{subject}{'' if self.value is None else ' = ' + self.value}: expected {self.expected}"


class ConfigurationError(Exception):
    """The configuration cannot be used; ``problems`` are all there are, and ``str()`` has one a line."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


def dotted(path: Path) -> str:
    """``("buckets", "a.b-1", "hosts", 0)`` as ``buckets."a.b-1".hosts[0]``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            key = part if _BARE_KEY.fullmatch(part) else inline(part)
            text += f".{key}" if text else key
    return text


def inline(value: object) -> str:
    """*value*, which is no table, as TOML: JSON's text, except that DEL is escaped; dates as text."""
    return json.dumps(value, ensure_ascii=False, default=str).replace("\x7f", "\\u007f")


def shown(value: object, *, secret: bool = False) -> str:
    """*value* as one short line of TOML; tables are not looked into, they may hold secrets."""
    if secret:
        return STARS if value else '""'
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        return "a list"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    text = inline(value).encode("utf-8", "replace").decode()
    text = re.sub(r"://[^/\s]*@", f"://{STARS}@", text)
    text = re.sub(r"(://[^\s\"?]*\?)[^\s\"]+", rf"\1{STARS}", text)
    return text if len(text) <= _SHOWN_LETTERS else text[: _SHOWN_LETTERS - 3] + "..."
