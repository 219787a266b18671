"""Whether a body that came to its end came whole."""

from __future__ import annotations

import enum


class Ending(enum.Enum):
    """How the end of a body is told (RFC 9112 §6.3)."""

    TOLD = enum.auto()
    """By its length or its last chunk; anything less is an error."""
    CLOSED = enum.auto()
    """By the end of the connection, which may also be that of a broken origin."""
    DOUBTFUL = enum.auto()
    """In two ways."""
