"""The settings tree described as rows: every key, what it means, and what it may hold.

Read from ``proxy.settings`` by introspection, so that messages, environment variables and documentation agree with it.
"""

from __future__ import annotations

import ipaddress
import json
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from proxy import settings
from proxy.configuration import problems
from proxy.stores.uri import FORMS

ANY = "*"
"""Stands for a bucket's name, a position in a list, or a key of a table of values."""

Row = tuple[str, ...]
"""A path with ``ANY`` for what the operator names."""


class Kind(Enum):
    """How a value is written in TOML."""

    TEXT = "text"
    WHOLE = "whole number"
    NUMBER = "number"
    FLAG = "true or false"
    LIST = "list"
    TABLE = "table"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One row: a value, or a table (``branch``) of further rows."""

    row: Row
    kind: Kind
    expected: str
    """Completes "expected …"."""
    meaning: str = ""
    default: object = None
    required: bool = False
    secret: bool = False
    branch: bool = False


@cache
def keys() -> Mapping[Row, Key]:
    """Every key of the tree, in its order."""
    return {key.row: key for key in _branch((), settings.Settings)}


def row_of(path: problems.Path) -> Row | None:
    """The row that the longest known beginning of *path* belongs to; None for the root or an unknown first key."""
    row: Row = ()
    for part in path:
        longer = next((each for each in ((*row, str(part)), (*row, ANY)) if each in keys()), None)
        if longer is None:
            break
        row = longer
    return row or None


def key_of(path: problems.Path) -> Key | None:
    """The row for exactly *path*."""
    row = row_of(path)
    return keys()[row] if row is not None and len(row) == len(path) else None


def _branch(row: Row, model: type[BaseModel]) -> Iterator[Key]:
    for name, field in model.model_fields.items():
        yield from _rows((*row, name), field.annotation, field)


def _rows(row: Row, annotation: Any, field: FieldInfo) -> Iterator[Key]:
    """The row of one field, and of what lies below it."""
    annotation, metadata = _bare(annotation, list(field.metadata))
    inner = _inner(annotation)
    common: dict[str, Any] = {
        "row": row,
        "meaning": field.description
        or next((each.__doc__ for each in (annotation, inner) if _is_branch(each)), "")
        or "",
        "default": field.get_default(call_default_factory=True) if not field.is_required() else None,
        "required": field.is_required(),
    }
    if _is_branch(annotation):
        yield Key(kind=Kind.TABLE, expected=f"a table [{'.'.join(row)}]", branch=True, **common)
        yield from _branch(row, annotation)
    elif get_origin(annotation) is tuple and _is_branch(inner):
        yield Key(kind=Kind.LIST, expected=f"a list of tables, each [[{'.'.join(row)}]]", branch=True, **common)
        yield Key(row=(*row, ANY), kind=Kind.TABLE, expected="a table", branch=True)
        yield from _branch((*row, ANY), inner)
    elif get_origin(annotation) is dict and _is_branch(inner):
        yield Key(kind=Kind.TABLE, expected=f'tables [{".".join(row)}."NAME"]', branch=True, **common)
        yield Key(row=(*row, ANY), kind=Kind.TABLE, expected="a table", branch=True)
        yield from _branch((*row, ANY), inner)
    elif get_origin(annotation) is dict:
        yield Key(kind=Kind.TABLE, expected=f"a table of {_plural(inner)}", secret=inner is SecretStr, **common)
        yield Key(row=(*row, ANY), kind=Kind.TEXT, expected=_text(inner), secret=inner is SecretStr)
    elif get_origin(annotation) is tuple:
        yield Key(kind=Kind.LIST, expected=f"a list of {_plural(inner)}", **common)
        yield Key(row=(*row, ANY), kind=Kind.TEXT, expected=_text(inner))
    else:
        kind, expected = (Kind.TEXT, FORMS) if row[-1] == "store" else _leaf(annotation, metadata)
        yield Key(kind=kind, expected=expected, secret=annotation is SecretStr, **common)


def _bare(annotation: Any, metadata: list[Any]) -> tuple[Any, list[Any]]:
    """*annotation* without ``| None`` and ``Annotated``, and the bounds that stood in either."""
    while True:
        arguments = get_args(annotation)
        if hasattr(annotation, "__metadata__"):
            annotation, metadata = arguments[0], [*metadata, *annotation.__metadata__]
        elif get_origin(annotation) in (Union, types.UnionType) and types.NoneType in arguments and len(arguments) == 2:
            annotation = next(each for each in arguments if each is not types.NoneType)
        else:
            return annotation, metadata


def _inner(annotation: Any) -> Any:
    """What a list (``tuple[X, ...]``) or table (``dict[str, X]``) holds; None for anything else."""
    if get_origin(annotation) is tuple:
        return get_args(annotation)[0]
    return get_args(annotation)[1] if get_origin(annotation) is dict else None


def _is_branch(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _leaf(annotation: Any, metadata: list[Any]) -> tuple[Kind, str]:
    if annotation is bool:
        return Kind.FLAG, "true or false"
    if annotation is int:
        return Kind.WHOLE, "a whole number" + _bounds(metadata)
    if annotation is float:
        return Kind.NUMBER, "a number" + _bounds(metadata)
    return Kind.TEXT, _text(annotation)


def _text(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return " or ".join(json.dumps(value) for value in get_args(annotation))
    if annotation is SecretStr:
        return "text, env:NAME or file:PATH"
    if annotation is Path:
        return "a path"
    if _is_network(annotation):
        return "a network such as 10.0.0.0/8, without bits set after its prefix"
    return "text"


def _plural(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return _text(annotation)
    return 'networks such as "10.0.0.0/8"' if _is_network(annotation) else "texts"


def _is_network(annotation: Any) -> bool:
    return ipaddress.IPv4Network in (annotation, *get_args(annotation))


def _bounds(metadata: list[Any]) -> str:
    bounds = {
        name: value
        for item in metadata
        # a Field(...) inside Annotated keeps its bounds in its own metadata
        for part in (item.metadata if isinstance(item, FieldInfo) else [item])
        for name in ("ge", "gt", "le")
        if (value := getattr(part, name, None)) is not None
    }
    match bounds:
        case {"ge": low, "le": high}:
            return f" from {low} to {high}"
        case {"gt": low, "le": high}:
            return f" over {low} and up to {high}"
        case {"ge": low}:
            return f" of at least {low}"
        case {"gt": low}:
            return f" over {low}"
    return ""
