"""What a new configuration changes in a running server: decisions only."""

from __future__ import annotations

from proxy import settings as tree

_FIXED = {"server": ("host", "port"), "admin": ("host", "port", "token")}
"""Keys that hold for the life of the process: its sockets, and who may command it."""


def reloadable(old: tree.Settings, new: tree.Settings) -> tuple[tree.Settings, tuple[str, ...]]:
    """*new* with what cannot change while running taken from *old*, and the names of the keys held back."""
    held = tuple(
        f"{branch}.{key}"
        for branch, keys in _FIXED.items()
        for key in keys
        if getattr(getattr(old, branch), key) != getattr(getattr(new, branch), key)
    )
    branches = {
        branch: getattr(new, branch).model_copy(update={key: getattr(getattr(old, branch), key) for key in keys})
        for branch, keys in _FIXED.items()
    }
    return new.model_copy(update=branches), held


def same_pool(old: tree.Codec, new: tree.Codec) -> bool:
    """Whether the running codec processes fit *new*; how long work may queue is the web workers' business."""
    return old.model_copy(update={"queue_s": new.queue_s}) == new
