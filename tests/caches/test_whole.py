"""Files are written and read whole, even when the system does it piecemeal."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from proxy.caches import whole
from proxy.caches.files import Damaged


@pytest.mark.parametrize("at_once", [1, 2, 3, 4, 7, 100])
@pytest.mark.parametrize(("head", "body"), [(b"abc", b"defg"), (b"abc", b""), (b"", b"x")])
def test_what_is_written_in_pieces_is_there_whole(
    at_once: int, head: bytes, body: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write

    def writev(descriptor: int, parts: Sequence[bytes]) -> int:
        return write(descriptor, b"".join(parts)[:at_once])

    monkeypatch.setattr(os, "writev", writev)
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:at_once]))
    path = tmp_path / "file"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    whole.write(descriptor, head, body)
    os.close(descriptor)
    assert path.read_bytes() == head + body


@pytest.mark.parametrize("at_once", [1, 2, 3, 100])
def test_what_is_read_in_pieces_is_whole_or_damaged(
    at_once: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = os.read
    monkeypatch.setattr(os, "read", lambda descriptor, size_bytes: read(descriptor, min(at_once, size_bytes)))
    path = tmp_path / "file"
    path.write_bytes(b"abcde")
    descriptor = os.open(path, os.O_RDONLY)
    try:
        assert whole.read(descriptor, 3) == b"abc"
        with pytest.raises(Damaged):
            whole.read(descriptor, 3)
    finally:
        os.close(descriptor)
