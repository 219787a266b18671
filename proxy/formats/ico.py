"""ICO: favicons, read only; no spelling, so nobody can ask for one."""

from __future__ import annotations

from proxy.core.model import Format

FORMAT = Format(
    name="ico",
    media_type="image/x-icon",
    accept_types=("image/x-icon", "image/vnd.microsoft.icon"),
    spellings=(),
    suffixes=(".ico",),
    alpha=True,
    animation=False,
    quality=False,
    max_side_px=256,
)
