"""What every test may rely on: a clean environment, no blocking call on an event loop, and honest skips."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
from blockbuster import BlockBuster
from blockbuster.blockbuster import BlockBusterFunction

SHARED = Path(__file__).resolve().parents[2] / "shared"
IN_CI = os.environ.get("CI") == "true"

# Examples are counted, not timed: two noisy cores are no stopwatch.
hypothesis.settings.register_profile("mogr", deadline=None, print_blob=True)
hypothesis.settings.load_profile("mogr")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "may_block(reason): the guard against blocking calls on the event loop is off")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No setting, credential or proxy of the machine reaches a test."""
    for name in tuple(os.environ):
        if name.startswith(("MOGR_", "AWS_", "COS_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path_factory.getbasetemp()))


def _is_memory(fd: int, *_: object, **__: object) -> bool:
    """Whether *fd* cannot make us wait: a memfd, or a descriptor in non-blocking mode."""
    return not os.get_blocking(fd) or os.readlink(f"/proc/self/fd/{fd}").startswith("/memfd:")


def _does_not_wait(flags_at: int) -> Callable[..., bool]:
    """Whether a call on a socket cannot make us wait, by its mode or its flags, the argument at *flags_at*."""

    def judge(sock: socket.socket, *arguments: int) -> bool:
        flags = arguments[flags_at] if len(arguments) > flags_at else 0
        return not sock.getblocking() or bool(flags & socket.MSG_DONTWAIT)

    return judge


@pytest.fixture(autouse=True)
def no_blocking_calls(request: pytest.FixtureRequest) -> Iterator[None]:
    """Blocking I/O below a frame of ``proxy`` while an event loop runs in the thread raises ``BlockingError``."""
    if request.node.get_closest_marker("may_block"):
        yield
        return
    guard = BlockBuster("proxy")
    for name in ("os.open", "os.fsync", "os.utime", "os.pread", "os.pwrite"):
        guard.functions[name] = BlockBusterFunction(None, name, scanned_modules="proxy")
    for name in ("os.read", "os.write", "os.pread", "os.pwrite"):
        guard.functions[name].can_block_predicate = _is_memory
    for name, flags_at in (("recv", 1), ("recv_into", 2), ("recvmsg", 2), ("send", 1)):
        guard.functions[f"socket.socket.{name}"].can_block_predicate = _does_not_wait(flags_at)
    # Imports inside functions and warnings read sources and time zones read their table; once each.
    for name in ("os.stat", "os.open", "io.BufferedReader.read", "os.listdir"):
        guard.functions[name].can_block_in("<frozen importlib._bootstrap>", {"_find_and_load"})
    for name in ("os.listdir", "io.BufferedReader.read"):  # of /proc, which is memory
        guard.functions[name].can_block_in("proxy/codec/starved.py", {"waited_ns"})
    guard.activate()
    try:
        yield
    finally:
        guard.deactivate()


@pytest.fixture
def needs_shared() -> Callable[[str], Path]:
    """``needs_shared("images/photos/...")`` is that file beside the checkout; the test is skipped where it is absent."""

    def find(path: str) -> Path:
        found = SHARED / path
        if not found.exists():
            pytest.skip(f"needs ../shared/{path}, which is not beside this checkout")
        return found

    return find


@pytest.fixture
def require_server() -> Callable[[str], str]:
    """``require_server("nginx")`` is the program's path; without it the test fails in CI and is skipped elsewhere."""

    def find(program: str) -> str:
        found = shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
        if found is None:
            (pytest.fail if IN_CI else pytest.skip)(f"needs the program {program}: see the packages in .ci/run")
        return found

    return find
