"""The catalogue of formats: one module of this folder per format, found once, in order of their names.

A module has a ``FORMAT`` and, unless it is only read, ``save_options(encoding)``: a pure function, so that what a
format wants of its encoder stands beside what it can carry.  It may have ``MOST_PX``: how many pixels a preset is
affordable for; and ``setting(encoding)``, where a preset means more than one thing.  Modules whose name starts with ``_``
are no formats.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType, ModuleType

from proxy.core.model import Format, Preset
from proxy.formats._encoding import Encoding, within
from proxy.formats._scores import ScoreCurve, score_curve

SaveOptions = Callable[[Encoding], dict[str, object]]
Setting = Callable[[Encoding], str]


def index(formats: Iterable[Format], keys: Callable[[Format], Iterable[str]]) -> Mapping[str, Format]:
    """The formats by each of their *keys*.

    Raises:
        ValueError: two formats claim the same key.
    """
    found: dict[str, Format] = {}
    for format_ in formats:
        for key in keys(format_):
            if key in found:
                raise ValueError(f"{found[key].name} and {format_.name} both claim {key!r}")
            found[key] = format_
    return MappingProxyType(found)


def _modules() -> list[ModuleType]:
    names = sorted(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_"))
    return [importlib.import_module(f"{__name__}.{name}") for name in names]


_MODULES = _modules()
_FORMATS: tuple[Format, ...] = tuple(module.FORMAT for module in _MODULES)

CATALOGUE: Mapping[str, Format] = index(_FORMATS, lambda format_: (format_.name,))
"""Every format by its name."""
_BY_SPELLING = index(_FORMATS, lambda format_: format_.spellings)
_BY_ACCEPT_TYPE = index(_FORMATS, lambda format_: format_.accept_types)
_BY_SUFFIX = index(_FORMATS, lambda format_: format_.suffixes)
_SAVE_OPTIONS: Mapping[str, SaveOptions] = {
    module.FORMAT.name: module.save_options for module in _MODULES if hasattr(module, "save_options")
}
_SETTINGS: Mapping[str, Setting] = {
    module.FORMAT.name: module.setting for module in _MODULES if hasattr(module, "setting")
}
_MOST_PX: Mapping[str, Mapping[Preset, int]] = {
    module.FORMAT.name: module.MOST_PX for module in _MODULES if hasattr(module, "MOST_PX")
}


def by_spelling(text: str) -> Format | None:
    """The format that ``format/<text>`` names, in any case; None for what cannot be asked for."""
    return _BY_SPELLING.get(text.lower())


def by_accept_type(media_type: str) -> Format | None:
    """The format that a media type (without parameters, in any case) of an Accept field names."""
    return _BY_ACCEPT_TYPE.get(media_type.lower())


def by_suffix(suffix: str) -> Format | None:
    """The format of a file name ending, with its dot, in any case."""
    return _BY_SUFFIX.get(suffix.lower())


def save_options(name: str, encoding: Encoding) -> dict[str, object]:
    """What the encoder of format *name* is to be told; a fresh mapping each time.

    Raises:
        KeyError: a format that is only read.
    """
    return _SAVE_OPTIONS[name](affordable(name, encoding))


def affordable(name: str, encoding: Encoding) -> Encoding:
    """*encoding* with the preset that is affordable for so many pixels: about 15 s of one core.

    What somebody waits for has a deadline, and a large picture in a plainer encoding is better than none.
    """
    return replace(encoding, preset=within(encoding.preset, encoding.pixels, _MOST_PX.get(name, {})))


def setting(name: str, encoding: Encoding) -> str:
    """What *encoding* comes down to in format *name*, as cost tables name it: the preset, or part of it."""
    encoding = affordable(name, encoding)
    return _SETTINGS[name](encoding) if name in _SETTINGS else encoding.preset


__all__ = [
    "CATALOGUE", "Encoding", "ScoreCurve", "affordable", "by_accept_type", "by_spelling", "by_suffix", "index", "save_options",
    "score_curve", "setting",
]  # fmt: skip
