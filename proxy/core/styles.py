"""Styles: operations that a bucket knows by name, asked for as ``KEY!NAME``, ``?NAME`` or ``?style/NAME`` (spec/01 §1, §13)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from proxy.core.grammar import MAX_STAGES
from proxy.core.query import OPERATION_HEADS
from proxy.errors import InvalidArgument

SEPARATORS = "-_/!"
"""What may stand between a key and a style, where the bucket says so."""
_MAX_NAME_BYTES = 1024
"""No escaped name of a style is longer."""
MAX_STYLES = 100
"""CI's limit per bucket."""
NO_SUCH_STYLE = -105
"""What CI's ``X-ErrNo`` says of a style that is none."""

_NAME = re.compile(r"[\w.!-]{1,64}")
_HEAD = "style"


@dataclass(frozen=True, slots=True)
class Styles:
    """Those of one bucket."""

    texts: Mapping[str, str] = field(default_factory=dict)
    """Operations, each as a query would have it, by their names; case counts."""
    separators: str = "!"
    """Each character of it may stand before a name."""

    def split(self, key: str) -> tuple[str, str] | None:
        """The object and the style that *key* names if it is not itself an object's; None: no style.

        Names hold no separator, so the last one decides: no other suffix can be a style.
        """
        if not self.texts:
            return None
        at = max((key.rfind(separator) for separator in self.separators), default=-1)
        return (key[:at], key[at + 1 :]) if at > 0 and key[at + 1 :] in self.texts else None

    def asked_by(self, key: str, raw_query: bytes) -> bool:
        """Whether *key*, or a parameter of *raw_query*, names a style; operations are not looked into."""
        if not self.texts:
            return False
        pieces = (piece.removesuffix(b"=") for piece in raw_query.split(b"&") if len(piece) <= _MAX_NAME_BYTES)
        names = (unquote(piece) for piece in pieces)
        return self.split(key) is not None or any(name in self.texts for name in names)

    def expand(self, operation: str) -> str:
        """*operation* with the text of the style in place of every stage ``style/NAME``.

        Raises:
            InvalidArgument: the bucket has no such style.
        """
        if _HEAD not in operation or operation.count("|") >= MAX_STAGES:  # too long a pipe is refused as one
            return operation
        return "|".join(self._expanded(stage) for stage in operation.split("|"))

    def _expanded(self, stage: str) -> str:
        head, _, name = stage.partition("/")
        if head != _HEAD:
            return stage
        found = self.texts.get(name.removesuffix("/"))
        if found is None:
            error = InvalidArgument.of(_HEAD, name, "the name of a style of this bucket")
            error.errno = NO_SUCH_STYLE
            raise error
        return found


def expected_name(name: str, separators: str) -> str | None:
    """What a style should be called instead of *name*, to complete "expected …"; None: *name* will do."""
    if not _NAME.fullmatch(name):
        return 'a name of 1 to 64 letters, digits, "-", "_", "." and "!"'
    if not set(separators).isdisjoint(name):
        return f"a name without any of {separators}, which stand before names (style_separators)"
    if name in OPERATION_HEADS:
        return f"another name than {name}, which is an operation"
    return None
