"""Values that do not mean themselves: secrets by reference, paths relative to the file, host names in any case."""

from __future__ import annotations

import os.path
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from proxy.configuration import schema
from proxy.configuration.layers import Layers, remove
from proxy.configuration.problems import Path as KeyPath
from proxy.stores.uri import FORMS, parse_store_uri

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MOST_SECRET_BYTES = 65_536
_STORES = (("buckets", schema.ANY, "store"), ("buckets", schema.ANY, "persist_store"))


class _Unresolved(ValueError):
    """Its text completes "expected …"."""


def resolve(layers: Layers, environ: Mapping[str, str]) -> None:
    """Put into the tree what such values mean; those that mean nothing are noted and taken out."""
    directory = Path(os.path.abspath(layers.file)).parent  # not resolve(): the links of a ConfigMap lead elsewhere

    def secret(text: str) -> str:
        return _secret(text, directory, environ)

    def store(text: str) -> str:
        return _store(text, directory)

    for row, key in schema.keys().items():
        if key.secret and key.kind is schema.Kind.TEXT:
            _replace(layers, row, secret)
    for row in _STORES:
        _replace(layers, row, store)
    _replace(layers, ("cache", "disk", "path"), lambda text: text and _absolute(text, directory))
    _replace(layers, ("codec", "fonts", schema.ANY), lambda text: _absolute(text, directory))
    for hosts in ("hosts", "mark_hosts"):
        _replace(layers, ("buckets", schema.ANY, hosts, schema.ANY), lambda text: text.lower().removesuffix("."))


def _replace(layers: Layers, row: schema.Row, meaning: Callable[[str], str]) -> None:
    for path, table in list(_matches(layers.tree, row)):
        text = table[path[-1]]
        if not isinstance(text, str):
            continue  # the wrong type is noted when the tree is validated
        try:
            table[path[-1]] = meaning(text)
        except _Unresolved as error:
            layers.add(path, text, str(error))
            remove(layers.tree, path)


def _matches(tree: dict[str, object], row: schema.Row) -> Iterator[tuple[KeyPath, Any]]:
    """Every path in *tree* that *row* describes, with the table or list that holds its last part."""
    places: list[tuple[KeyPath, Any]] = [((), tree)]
    for n, part in enumerate(row):
        last = n == len(row) - 1
        longer: list[tuple[KeyPath, Any]] = []
        for path, value in places:
            names: list[str | int] = []
            if isinstance(value, dict):
                names = list(value) if part == schema.ANY else [part] if part in value else []
            elif isinstance(value, list) and part == schema.ANY:
                names = list(range(len(value)))
            longer += [((*path, name), value if last else value[name]) for name in names]
        places = longer
    yield from places


def _secret(text: str, directory: Path, environ: Mapping[str, str]) -> str:
    kind, colon, name = text.partition(":")
    if not colon or kind not in ("env", "file"):
        value = text
    elif kind == "env":
        if not _VARIABLE.fullmatch(name):
            raise _Unresolved("the name of an environment variable after env:")
        value = environ.get(name, "")
        if not value:
            raise _Unresolved(f"the environment variable {name} to be set and not empty")
    else:
        value = _contents(directory / name, name)
    if _CONTROL.search(value):
        raise _Unresolved("one line of text without control characters")
    return value


def _contents(path: Path, name: str) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_SECRET_BYTES + 1)
        value = data.decode().removesuffix("\n").removesuffix("\r")
    except OSError as error:
        raise _Unresolved(f"a readable file {name} ({error.strerror})") from None
    except ValueError:
        raise _Unresolved(f"a file {name} of UTF-8 text") from None
    if not value or len(data) > _MOST_SECRET_BYTES:
        raise _Unresolved(f"a file {name} that is neither empty nor over 64 KiB")
    return value


def _store(text: str, directory: Path) -> str:
    if not text:
        return text
    try:
        uri = parse_store_uri(text)
    except ValueError as error:
        # what stands before an @ may be a password, and the parser's sentence may quote it
        detail = "put credentials into origin_headers" if "@" in text else str(error)
        raise _Unresolved(f"{FORMS} ({detail})") from None
    if uri.scheme == "file":
        uri = replace(uri, location=_absolute(uri.location, directory))
    return str(uri)


def _absolute(text: str, directory: Path) -> str:
    if "\0" in text:
        raise _Unresolved("a path without NUL")
    return os.path.normpath(directory / text)
