"""The raw tree: a TOML file, over it environment variables, over them flags, and for each value where it came from."""

from __future__ import annotations

import difflib
import json
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from proxy.configuration import schema
from proxy.configuration.problems import Path as KeyPath
from proxy.configuration.problems import Problem, dotted, shown
from proxy.configuration.schema import Key, Kind

_PREFIX = "MOGR_"
_WHOLE = re.compile(r"[+-]?[0-9][0-9_]*")
_MOST_FILE_BYTES = 16 * 1024 * 1024


class Layers:
    """The tree under construction; what is wrong is collected in ``problems``, never raised."""

    def __init__(self, file: Path) -> None:
        self.file = str(file)
        self.tree: dict[str, object] = {}
        self.problems: list[Problem] = []
        self._places: dict[KeyPath, str] = {}

    def where(self, path: KeyPath) -> str:
        """The variable or flag that gave the value at or around *path*, or else the file."""
        return next((self._places[path[:n]] for n in range(len(path), 0, -1) if path[:n] in self._places), self.file)

    def add(self, path: KeyPath, value: object, expected: str) -> None:
        """Note that the *value* at *path* is wrong."""
        key = schema.key_of(path)
        # what stands where a credential belongs may be one, in the wrong shape
        misplaced = path[:1] == ("credentials",) and len(path) < 3 and not isinstance(value, dict)
        text = shown(value, secret=misplaced or (key is not None and key.secret))
        self.problems.append(Problem(where=self.where(path), key=dotted(path), value=text, expected=expected))

    def read_file(self) -> bool:
        """Whether the file could be read; if not, nothing else is worth checking."""
        try:
            with Path(self.file).open("rb") as file:
                data = file.read(_MOST_FILE_BYTES)
            self.tree = tomllib.loads(data.decode())
        except OSError as error:
            expected = f"a readable configuration file ({error.strerror})"
        except UnicodeDecodeError as error:
            expected = f"UTF-8 text (line {error.object[: error.start].count(10) + 1})"
        except ValueError as error:  # TOMLDecodeError, or a number of thousands of digits
            expected = f"TOML ({error})"
        except RecursionError:
            expected = "TOML (tables nested less deeply)"
        else:
            return True
        self.problems.append(Problem(where=self.file, key="", expected=expected))
        return False

    def read_environment(self, environ: Mapping[str, str]) -> None:
        """Lay the ``MOGR_<SECTION>__<KEY>`` variables over the tree."""
        known = _variables(self.tree)
        for name in sorted(environ):
            # only names with a double underscore are ours: Kubernetes injects MOGR_PORT for a Service called mogr
            if not name.startswith(_PREFIX) or "__" not in name.removeprefix(_PREFIX):
                continue
            paths = known.get(name, [])
            if len(paths) == 1:
                self._read_variable(name, paths[0], environ[name])
            elif paths:
                self._unknown(name, f"a name that means one key, not {' and '.join(map(dotted, paths))}")
            else:
                close = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.75)
                self._unknown(name, "the name of a key of this configuration" + _hint(close[0] if close else None))

    def read_flags(self, flags: Mapping[str, object]) -> None:
        """Lay flags over the tree: dotted keys (``server.port``); None is a flag that was not given."""
        for name, value in flags.items():
            if value is not None:
                self._set(tuple(name.split(".")), value, f"--{name.rpartition('.')[2].replace('_', '-')}")

    def check_values(self) -> None:
        """Drop and note what TOML can write and no key takes: dates, times, and numbers that are no numbers."""
        wrong = [
            (path, value)
            for path, value in _leaves((), self.tree)
            if not isinstance(value, (str, int, float)) or (isinstance(value, float) and not math.isfinite(value))
        ]
        for path, value in wrong:
            key = schema.key_of(path)
            self.add(path, value, key.expected if key else "a finite number, text, true or false")
        for path, _ in reversed(wrong):  # from behind, so that positions in lists stay true
            remove(self.tree, path)

    def _read_variable(self, name: str, path: KeyPath, text: str) -> None:
        key = schema.key_of(path)
        assert key is not None
        try:
            text.encode()
            value = _parse(text, key)
        except ValueError:
            value_text = shown(text, secret=key.secret)
            expected = key.expected + (" as JSON" if key.kind in (Kind.LIST, Kind.TABLE) else "")
            self.problems.append(Problem(where=name, key=dotted(path), value=value_text, expected=expected))
        else:
            self._set(path, value, name)

    def _set(self, path: KeyPath, value: object, place: str) -> None:
        table = self.tree
        for part in path[:-1]:
            inner = table.setdefault(str(part), {})
            if not isinstance(inner, dict):
                return  # the file has something else where a table belongs: that is the problem to report
            table = inner
        table[str(path[-1])] = value
        self._places[path] = place

    def _unknown(self, name: str, expected: str) -> None:
        self.problems.append(Problem(where="environment", key=name, expected=expected))


def near(path: KeyPath) -> str:
    """A hint at the key that was meant by the unknown *path*; empty if none is near."""
    *above, name = path
    row, rows = schema.row_of(tuple(above)) or (), list(schema.keys())
    siblings = [each[-1] for each in rows if each[:-1] == row and each[-1] != schema.ANY]
    close = difflib.get_close_matches(str(name), siblings, n=1)
    if close:
        return _hint(dotted((*above, close[0])))
    elsewhere = [each for each in rows if each[-1] == name]
    return _hint(dotted(elsewhere[0]) if elsewhere else None)


def remove(tree: dict[str, object], path: KeyPath) -> None:
    """Take the value at *path* out of *tree*, if it is there."""
    inner: object = tree
    for part in path[:-1]:
        if isinstance(inner, dict):
            inner = inner.get(part)
        elif isinstance(inner, list) and isinstance(part, int) and part < len(inner):
            inner = inner[part]
    if isinstance(inner, dict):
        inner.pop(path[-1], None)
    elif isinstance(inner, list) and isinstance(path[-1], int) and path[-1] < len(inner):
        del inner[path[-1]]


def _hint(name: str | None) -> str:
    return f"; did you mean {name}?" if name else ""


def _variables(tree: Mapping[str, object]) -> dict[str, list[KeyPath]]:
    """Every variable's name and the paths it may mean; a bucket's are written with ``_`` for what is no letter or digit."""
    names: dict[str, list[KeyPath]] = {}
    buckets = tree.get("buckets")
    for row, key in schema.keys().items():
        if key.branch or len(row) < 2 or schema.ANY in (row[-1], row[0]) or row[0] == "credentials":
            continue
        for bucket in buckets if row[1] == schema.ANY and isinstance(buckets, dict) else [None]:
            path = tuple(bucket if part == schema.ANY and bucket is not None else part for part in row)
            if schema.ANY not in path:
                name = "__".join(re.sub(r"[^A-Za-z0-9]", "_", part) for part in path)
                names.setdefault(_PREFIX + name.upper(), []).append(path)
    return names


def _parse(text: str, key: Key) -> object:
    """The value that *text* means for *key*; ValueError if none."""
    match key.kind:
        case Kind.TEXT:
            return text
        case Kind.WHOLE:
            if not _WHOLE.fullmatch(text):
                raise ValueError(text)
            return int(text)
        case Kind.NUMBER:
            return int(text) if _WHOLE.fullmatch(text) else float(text)
        case Kind.FLAG:
            return {"true": True, "false": False}[text] if text in ("true", "false") else _no(text)
        case Kind.LIST | Kind.TABLE:
            value: object = json.loads(text)
            return value if isinstance(value, list if key.kind is Kind.LIST else dict) else _no(text)


def _no(text: str) -> object:
    raise ValueError(text)


def _leaves(path: KeyPath, value: object) -> Iterator[tuple[KeyPath, object]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves((*path, name), inner)
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from _leaves((*path, n), inner)
    else:
        yield path, value
