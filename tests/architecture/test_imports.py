"""What import-linter cannot say: where each third party lives, and that the pure rooms stay pure."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "proxy").rglob("*.py"))

# Each third party and the files (or folders) of proxy/ that may import it.
HOMES = {
    "httpx": ("origins/",),
    "httpcore": ("origins/",),
    "h11": ("origins/",),  # httpcore's parser
    "anyio": ("origins/", "web/", "admin/"),
    "obstore": ("stores/",),
    "redis": ("replicas/",),
    "pyvips": ("codec/",),
    "PIL": ("codec/",),
    "pillow_heif": ("codec/",),
    "pillow_jxl": ("codec/",),
    "cv2": ("codec/",),
    "numpy": ("codec/",),
    "zxingcpp": ("codec/",),
    "tinycss2": ("codec/",),
    "starlette": ("web/", "admin/", "app.py"),
    "uvicorn": ("supervisor/", "admin/", "worker.py", "connections/"),
    "uvloop": ("supervisor/", "worker.py"),
    "httptools": ("origins/", "web/"),
    "cachetools": ("caches/", "service/"),
    "prometheus_client": ("metrics.py", "metrics/"),
    "pydantic": ("settings.py", "access_settings.py", "branch.py", "configuration.py", "configuration/"),
}

# No I/O, no clock, no environment, no threads: what the core, the operations and the formats may take from Python.
PURE = ("core/", "ops/", "formats/", "errors.py", "ports/")
PURE_STANDARD_LIBRARY = {
    "__future__", "abc", "base64", "binascii", "bisect", "calendar", "collections", "dataclasses", "datetime", "decimal",
    "email", "enum", "fractions", "functools", "hashlib", "hmac", "html", "importlib", "inspect", "ipaddress", "itertools", "json",
    "math", "operator", "pkgutil", "posixpath", "re", "string", "struct", "time", "types", "typing", "unicodedata", "urllib",
}  # fmt: skip


@cache
def imports(path: Path) -> frozenset[str]:
    """The dotted names that *path* imports, wherever in the file."""
    return frozenset(_imports(ast.parse(path.read_text())))


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module


def tops(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports(path)}


def attributes_of(module: str, path: Path) -> set[str]:
    """What *path* takes from *module*, as ``module.name`` or by ``from module import name``."""
    taken = set()
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name == module:
                taken.add(attribute)
            case ast.ImportFrom(module=name, names=names, level=0) if name == module:
                taken.update(each.name for each in names)
    return taken


def place(path: Path) -> str:
    return path.relative_to(ROOT / "proxy").as_posix()


@pytest.mark.parametrize("path", MODULES, ids=place)
def test_third_parties_stay_in_their_homes(path):
    foreign = tops(path) - sys.stdlib_module_names - {"proxy"}
    assert not {name for name in foreign if not place(path).startswith(HOMES.get(name, ()))}


@pytest.mark.parametrize("path", [path for path in MODULES if place(path).startswith(PURE)], ids=place)
def test_the_core_takes_only_what_is_pure_from_python(path):
    assert tops(path) <= PURE_STANDARD_LIBRARY | {"proxy"}
    assert attributes_of("time", path) <= {"gmtime", "struct_time"}, "the core is told the time"


@pytest.mark.parametrize("path", MODULES, ids=place)
def test_the_environment_is_read_in_one_place(path):
    """Codec processes are given an environment, and the configuration reads ours; nothing else looks."""
    reads = attributes_of("os", path) & {"environ", "environb", "getenv", "putenv", "unsetenv"}
    assert not reads or place(path).startswith(("configuration", "__main__.py"))
