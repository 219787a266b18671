"""The catalogue of operations: one module of this folder per operation, found once, in order of their names.

A class with a ``name`` that can ``parse``, ``measure`` and ``apply`` is an operation; everything else here is support.
Operations never import pyvips: ``apply`` works on the picture it is handed.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Mapping
from types import MappingProxyType, ModuleType
from typing import cast

from proxy.core.plan import Operation


def _operations(module: ModuleType) -> list[type[Operation]]:
    return [
        cast("type[Operation]", found)
        for _, found in inspect.getmembers(module, inspect.isclass)
        if found.__module__ == module.__name__ and all(hasattr(found, face) for face in ("name", "parse", "apply"))
    ]


def index(modules: Iterable[ModuleType]) -> Mapping[str, type[Operation]]:
    """The operations that *modules* define, by the parameter that starts each.

    Raises:
        ValueError: two operations claim the same parameter.
    """
    found: dict[str, type[Operation]] = {}
    for module in modules:
        for operation in _operations(module):
            if operation.name in found:
                raise ValueError(f"{found[operation.name]} and {operation} both claim {operation.name!r}")
            found[operation.name] = operation
    return MappingProxyType(found)


CATALOGUE: Mapping[str, type[Operation]] = index(
    importlib.import_module(f"{__name__}.{name}")
    for name in sorted(info.name for info in pkgutil.iter_modules(__path__))
)
"""Every operation by its name: ``thumbnail``, ``watermark/2``."""
PARAMETERS: Mapping[str, type[Operation]] = MappingProxyType(
    {name: operation for name, operation in CATALOGUE.items() if operation.head == "imageMogr2"}
)
"""Those that are parameters of imageMogr2."""

__all__ = ["CATALOGUE", "PARAMETERS", "index"]
