"""One cache file: where a key is kept below the tier's directory, and how an entry is framed so that damage shows.

A file is a header (magic and version, lengths of meta and body, checksum), the meta as JSON, and the body.  The checksum
covers the file's own name too, so a file that was moved or copied to another name is as foreign as a torn one.
Nothing here does I/O but ``below``, which lists.
"""

from __future__ import annotations

import json
import os
import re
import struct
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

_HEADER = struct.Struct(">8sIQ16s")
_MAGIC = b"mogrcf\x00\x01"
HEADER_BYTES = _HEADER.size
_META_MAX_BYTES = 1024 * 1024

TEMPORARY = "tmp"
"""Directory of files being written; a file found there long after is left over from a killed process."""
LOCK = "sweep.lock"

FOLDER = re.compile(r"[0-9a-f]{1,2}")
NAME = re.compile(r"[0-9a-f]{64}")
_BLOCK_BYTES = 4096


class Damaged(ValueError):
    """The file is not, or not entirely, what was once written under this name."""


def name_of(key: str) -> str:
    """The file's name: keys are hostile, names are not."""
    return blake2b(key.encode("utf-8", "surrogatepass"), digest_size=32).hexdigest()


def folders_of(name: str) -> tuple[str, str]:
    """The two directories above the file: 4,096 leaves, so that a million files are 250 to a directory."""
    return name[:2], name[2:3]


def below(root: Path) -> Iterator[Path]:
    """Every entry's file below the tier's directory *root*, in no order; what cannot be listed has none."""
    for first in _names_in(root, FOLDER):
        for second in _names_in(root / first, FOLDER):
            folder = root / first / second
            yield from (folder / name for name in _names_in(folder, NAME))


def _names_in(directory: Path, pattern: re.Pattern[str]) -> list[str]:
    try:
        return [name for name in os.listdir(directory) if pattern.fullmatch(name)]
    except OSError:
        return []


def charge_bytes(size_bytes: int) -> int:
    """What a file of that size takes from the budget: whole blocks, as it takes from the disk."""
    return max(1, -(-size_bytes // _BLOCK_BYTES)) * _BLOCK_BYTES


def meta_bytes_of(meta: Mapping[str, object]) -> bytes:
    """*meta* as it stands in a file.

    Raises:
        ValueError, TypeError: it is no JSON, or over 1 MiB of it.
    """
    text = json.dumps(dict(meta), allow_nan=False, separators=(",", ":")).encode()
    if len(text) > _META_MAX_BYTES:
        raise ValueError(f"meta of {len(text)} bytes")
    return text


def head(name: str, meta: bytes, body: bytes | memoryview[int]) -> bytes:
    """Header and *meta*; *body* follows them in the file."""
    return _HEADER.pack(_MAGIC, len(meta), len(body), _checksum(name, meta, body)) + meta


def lengths(header: bytes) -> tuple[int, int, bytes]:
    """Length of meta, length of body and checksum as *header* states them.

    Raises:
        Damaged: not a header of ours.
    """
    if len(header) != HEADER_BYTES:
        raise Damaged("short header")
    magic, meta_bytes, body_bytes, checksum = _HEADER.unpack(header)
    if magic != _MAGIC or meta_bytes > _META_MAX_BYTES:
        raise Damaged("foreign header")
    return meta_bytes, body_bytes, checksum


def checked(name: str, meta: bytes, body: bytes, checksum: bytes) -> Mapping[str, Any]:
    """What *meta* says, if the checksum is right.

    Raises:
        Damaged: it is not.
    """
    if _checksum(name, meta, body) != checksum:
        raise Damaged("checksum")
    found: Mapping[str, Any] = json.loads(meta)
    return found


def _checksum(name: str, meta: bytes, body: bytes | memoryview[int]) -> bytes:
    digest = blake2b(b"%s %d " % (name.encode(), len(meta)), digest_size=16)
    digest.update(meta)
    digest.update(body)
    return digest.digest()
