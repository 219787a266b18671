"""Journeys: a real server with real codec processes, used as its users use it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pictures import animated, jpeg, png
from servers.mogr import Mogr


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mogr]:
    """One server for every test that changes nothing; two codec processes, two web workers, pictures in it."""
    directory = tmp_path_factory.mktemp("served")
    server = Mogr(directory, {"server": {"workers": 2}, "codec": {"workers": 2}})
    server.put("cat.jpg", jpeg())
    server.put("turned.jpg", jpeg(orientation=6))
    server.put("写真 ä.jpg", jpeg(64, 48))
    server.put("logo.png", png(alpha=True))
    server.put("wave.gif", animated())
    server.put("notes.txt", b"These are notes, not a picture. " * 400)
    with server:
        yield server


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Mogr]]:
    """``start(settings, files={...})`` is a server of the test's own; it ends with the test."""
    with ExitStack() as stack:
        count = 0

        def begin(
            settings: dict[str, Any] | None = None, files: dict[str, bytes] | None = None, **environment: str
        ) -> Mogr:
            nonlocal count
            count += 1
            directory = tmp_path / f"server{count}"
            directory.mkdir()
            server = Mogr(directory, settings, **environment)
            for key, body in (files or {}).items():
                server.put(key, body)
            return stack.enter_context(server)

        yield begin
