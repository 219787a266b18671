"""A real `mogr serve` for tests: a program of its own, its own directory, loopback only."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx

READY_WITHIN_S = 30.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def toml(value: Any, path: tuple[str, ...] = ()) -> str:
    """*value*, a tree of tables, as TOML."""
    own = [f"{json.dumps(k)} = {_scalar(v)}" for k, v in value.items() if not _is_table(v)]
    lines = [f"[{'.'.join(json.dumps(part) for part in path)}]", *own] if path and own else own
    nested = [toml(v, (*path, k)) for k, v in value.items() if isinstance(v, dict) and v]
    for name, tables in value.items():
        if _is_table(tables) and isinstance(tables, list):
            head = ".".join(json.dumps(part) for part in (*path, name))
            nested += [f"[[{head}]]\n{toml(each)}" for each in tables]
    return "\n".join([*lines, *nested])


def _is_table(value: Any) -> bool:
    return bool(value) and (isinstance(value, dict) or (isinstance(value, list) and isinstance(value[0], dict)))


def _scalar(value: Any) -> str:
    return "{}" if value == {} else json.dumps(value)


class Mogr:
    """Use as a context manager.  *settings* is merged over a small default; ``{dir}`` is free for the test's files."""

    def __init__(self, directory: Path, settings: dict[str, Any] | None = None, **environment: str) -> None:
        self.directory = directory
        self.port, self.admin_port = free_port(), free_port()
        self._environment = environment
        self.configuration = directory / "mogr.toml"
        tree: dict[str, Any] = {
            "server": {"port": self.port, "shutdown_s": 5},
            "admin": {"port": self.admin_port},
            "codec": {"workers": 1},
            "cache": {"disk": {"path": str(directory / "cache")}},
            "buckets": {"test-1250000000": {"default": True, "store": f"file:{directory / 'photos'}"}},
        }
        (directory / "photos").mkdir(exist_ok=True)
        self.write(_merged(tree, settings or {}))
        self.process: subprocess.Popen[bytes] | None = None
        self.log = directory / "mogr.log"

    def write(self, tree: dict[str, Any]) -> None:
        """Write the configuration file; a running server reads it at SIGHUP."""
        self.tree = tree
        self.configuration.write_text(toml(tree))

    def change(self, settings: dict[str, Any]) -> None:
        self.write(_merged(self.tree, settings))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def admin_url(self) -> str:
        return f"http://127.0.0.1:{self.admin_port}"

    def put(self, key: str, body: bytes) -> None:
        path = self.directory / "photos" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    def get(self, target: str, method: str = "GET", **headers: str) -> httpx.Response:
        """One request with exactly these header fields (``_`` for ``-``) and a target that nothing rewrites."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        # Without certificates to verify: reading them takes longer than most answers.
        with httpx.Client(trust_env=False, timeout=60, verify=False) as client:
            # httpx would take dot segments out of a URL; the extension is what is sent.
            request = httpx.Request(
                method,
                self.url,
                headers={"Host": f"127.0.0.1:{self.port}", **named},
                extensions={"target": target.encode("ascii"), "timeout": httpx.Timeout(60).as_dict()},
            )
            return client.send(request)

    def metric(self, name: str) -> float:
        """The sum of *name* over its labels; a name with labels (``x{y="z"}``) is taken literally."""
        text = httpx.get(self.admin_url + "/metrics", trust_env=False).text
        rows = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
        return sum(float(value) for key, _, value in rows if key == name or key.startswith(name + "{"))

    def start(self) -> Self:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MOGR_")}
        command = [sys.executable, "-m", "proxy", "serve", "--config", str(self.configuration)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env={**environment, **self._environment}, start_new_session=True
            )
        until_s = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < until_s:
            if self.process.poll() is not None:
                break
            try:
                if httpx.get(self.admin_url + "/readyz", trust_env=False, timeout=2).status_code == 200:
                    return self
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        self.kill()
        raise AssertionError(f"mogr did not become ready:\n{self.log.read_text()[-4000:]}")

    def reload(self) -> None:
        """SIGHUP, and wait until no process of the old configuration is left: until then either may answer."""
        assert self.process is not None
        ended = "Replaced web workers have ended"
        before = self.log.read_text().count(ended)
        self.process.send_signal(signal.SIGHUP)
        until_s = time.monotonic() + READY_WITHIN_S
        while self.log.read_text().count(ended) == before:
            assert time.monotonic() < until_s, f"mogr did not reload:\n{self.log.read_text()[-4000:]}"
            time.sleep(0.05)

    def wait_for_disk(self, entries: int) -> None:
        """Wait until the disk tier has so many: it is written behind the answers."""
        until_s = time.monotonic() + READY_WITHIN_S
        while sum(len(path.name) == 64 for path in (self.directory / "cache").rglob("*") if path.is_file()) < entries:
            assert time.monotonic() < until_s, "nothing was written"
            time.sleep(0.02)

    def stop(self) -> int:
        """SIGTERM, and the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=50)

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(timeout=10)

    def children(self) -> dict[int, str]:
        """Processes of this server by pid, with their command lines."""
        assert self.process is not None
        found = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    stat = (entry / "stat").read_text().rpartition(")")[2].split()
                    command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                except OSError:
                    continue
                if int(stat[1]) == self.process.pid:
                    found[int(entry.name)] = command
        return found

    def codec_pids(self) -> list[int]:
        return [pid for pid, command in self.children().items() if "proxy.codec.worker" in command]

    def web_pids(self) -> list[int]:
        return [pid for pid, command in self.children().items() if "proxy.worker" in command]

    @contextmanager
    def alone(self, pid: int) -> Iterator[None]:
        """Web worker *pid* takes every connection meanwhile: the others are stopped."""
        others = [each for each in self.web_pids() if each != pid]
        for other in others:
            os.kill(other, signal.SIGSTOP)
        try:
            yield
        finally:
            for other in others:
                os.kill(other, signal.SIGCONT)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = _merged(result[key], value)
        elif value is None:
            result.pop(key, None)
        else:
            result[key] = value
    return result
