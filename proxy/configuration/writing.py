"""A ``Settings`` as text: for people, with secrets starred, and for a pipe to a process of ours, with everything."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, SecretStr

from proxy.configuration.problems import STARS, dotted, inline
from proxy.settings import Settings

_EXACT = 2**53
"""Whole floats below this are integers without loss."""


def effective(settings: Settings) -> str:
    """The whole tree as TOML, defaults included, secrets starred.

    A key whose value comes from ``limits.profile`` stands there as a comment.
    """
    tree = _plain(settings, secrets=False)
    limits = settings.limits.image_limits()
    own = tree["limits"]
    tree["limits"] = {key: _Comment(getattr(limits, key)) if value is None else value for key, value in own.items()}
    return "\n\n".join(_tables((), tree, "")) + "\n"


def to_json(settings: Settings) -> str:
    """Everything, secrets in the clear: only for the standard input of a process of ours."""
    return json.dumps(_plain(settings, secrets=True))


def from_json(text: str | bytes) -> Settings:
    """What ``to_json`` wrote.

    Raises:
        ValueError: anything else.
    """
    return Settings.model_validate_json(text)


def as_toml(value: object) -> str:
    """One value as TOML, secrets starred."""
    return inline(_plain(value, secrets=False))


def _plain(value: object, *, secrets: bool) -> Any:
    """*value* in the types of JSON."""
    match value:
        case SecretStr():
            hidden = STARS if value.get_secret_value() else ""
            return value.get_secret_value() if secrets else hidden
        case BaseModel():
            return {name: _plain(getattr(value, name), secrets=secrets) for name in type(value).model_fields}
        case dict():
            return {name: _plain(inner, secrets=secrets) for name, inner in value.items()}
        case tuple() | list():
            return [_plain(inner, secrets=secrets) for inner in value]
        case float() if value.is_integer() and abs(value) < _EXACT:  # 3600.0: as people write it
            return int(value)
        case None | bool() | int() | float() | str():
            return value
        case _:  # paths and networks
            return str(value)


def _tables(path: tuple[str, ...], table: dict[str, Any], head: str) -> list[str]:
    """*table*, under the line *head*, and then the tables below it: each a block of lines."""
    lines, below = [], []
    for name, value in table.items():
        inner = (*path, name)
        if isinstance(value, dict) and value:
            below += _tables(inner, value, f"[{dotted(inner)}]")
        elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
            for item in value:
                below += _tables(inner, item, f"[[{dotted(inner)}]]")
        elif isinstance(value, _Comment):
            lines.append(f"# {dotted((name,))} = {value.text}")
        elif value is None:
            lines.append(f"# {dotted((name,))} is not set")
        else:
            lines.append(f"{dotted((name,))} = {inline(value)}")
    return ["\n".join([head, *lines] if head else lines), *below] if lines else below


class _Comment:
    """A value that no key set but the profile gives; None: no limit."""

    def __init__(self, value: object) -> None:
        self.text = "no limit" if value is None else f"{value}   (from the profile)"
