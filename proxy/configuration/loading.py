"""Read, resolve, validate, check: the one way to a ``Settings``."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from proxy.configuration import checks, schema
from proxy.configuration.layers import Layers, near, remove
from proxy.configuration.problems import ConfigurationError, Problem, dotted
from proxy.configuration.problems import Path as KeyPath
from proxy.configuration.references import resolve
from proxy.settings import Settings

_PLACEHOLDERS = {"store": "memory:"}
"""Stand in for required values that are missing, so that everything else can still be checked."""


def load(
    path: Path, *, environ: Mapping[str, str] | None = None, flags: Mapping[str, object] | None = None
) -> Settings:
    """The settings of the file at *path*, over it *environ* (by default the process's own), over that *flags*.

    *flags* are dotted keys (``server.port``); a value of None was not given.  Relative paths are read from the file's
    directory, secrets from where they refer to.  Does file I/O.

    Raises:
        ConfigurationError: with every problem at once.
    """
    environ = os.environ if environ is None else environ
    layers = Layers(path)
    if not layers.read_file():
        raise ConfigurationError(layers.problems)
    layers.read_environment(environ)
    layers.read_flags(flags or {})
    layers.check_values()
    disk = _without_path(layers.tree)
    resolve(layers, environ)
    settings = _validated(layers, disk)
    if settings is not None:
        for at, expected in checks.check(settings):
            value = _at(layers.tree, at)
            if isinstance(value, (str, int, float, list)):
                layers.add(at, value, expected)
            else:
                layers.problems.append(Problem(where=layers.where(at), key=dotted(at), expected=expected))
    if layers.problems or settings is None:
        raise ConfigurationError(list(dict.fromkeys(layers.problems)))
    return settings


def _without_path(tree: dict[str, object]) -> bool:
    """Whether there is no disk tier: a [cache.disk] without a path (its other keys are checked all the same)."""
    cache = tree.get("cache")
    disk = cache.get("disk") if isinstance(cache, dict) else None
    if not isinstance(disk, dict) or disk.get("path", "") != "":
        return False
    disk["path"] = "."
    return True


def _validated(layers: Layers, without_disk: bool) -> Settings | None:
    """The tree as settings, problems noted; what is wrong is replaced by defaults, so that the rest can be checked."""
    for attempt in range(4):
        try:
            settings = Settings.model_validate_json(json.dumps(layers.tree), strict=True)
        except ValidationError as error:
            if attempt == 0:  # later ones are made by mending
                for each in error.errors(include_url=False):
                    _note(layers, each["type"], tuple(each["loc"]), each["input"])
            _mend(layers.tree, error)
        else:
            without = settings.cache.model_copy(update={"disk": None})
            return settings.model_copy(update={"cache": without}) if without_disk else settings
    return None


def _note(layers: Layers, kind: str, path: KeyPath, value: object) -> None:
    if kind == "extra_forbidden":
        text = dotted(path)
        # without its value: it may be a secret under a mistyped name
        layers.problems.append(Problem(where=layers.where(path), key=text, expected=f"a known key{near(path)}"))
        return
    path = _known(path)
    key = schema.key_of(path)
    assert key is not None  # what no row describes is extra_forbidden
    if kind != "missing":
        layers.add(path, value, key.expected)
    elif not any(problem.key == dotted(path) for problem in layers.problems):  # else it was taken out as wrong
        problem = Problem(where=layers.where(path[:-1]), key=dotted(path), expected=f"a value: {key.expected}")
        layers.problems.append(problem)


def _mend(tree: dict[str, object], error: ValidationError) -> None:
    """Take the wrong values out of *tree* and put something into the missing ones."""
    for each in reversed(error.errors(include_url=False)):
        path = tuple(each["loc"]) if each["type"] == "extra_forbidden" else _known(tuple(each["loc"]))
        if each["type"] == "missing":
            table: Any = _at(tree, path[:-1])
            table[path[-1]] = _PLACEHOLDERS.get(str(path[-1]), "placeholder")
        else:
            remove(tree, path)


def _known(path: KeyPath) -> KeyPath:
    """*path* without the names of union members that pydantic appends."""
    return path[: len(schema.row_of(path) or ())]


def _at(tree: dict[str, object], path: KeyPath) -> object:
    value: Any = tree
    for part in path:
        try:
            value = value[part]
        except (LookupError, TypeError):
            return None
    return value
