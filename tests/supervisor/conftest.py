"""A node of stand-ins, run as the program it is, and driven through its sockets and signals."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
WITHIN_S = 20.0


def eventually(what: Callable[[], Any], within_s: float = WITHIN_S) -> Any:
    """The first true answer of *what*; fails after *within_s*."""
    until_s = time.monotonic() + within_s
    while not (answer := what()):
        assert time.monotonic() < until_s, f"did not come true within {within_s} s"
        time.sleep(0.02)
    return answer


class Node:
    """A running program; ``log`` holds its log lines as they come."""

    def __init__(self, tmp_path: Path, settings: dict[str, Any], **popen: Any) -> None:
        self.file = tmp_path / "settings.json"
        self.write(settings)
        self.log: list[dict[str, Any]] = []
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("node_program.py")), str(self.file)],
            stdout=subprocess.PIPE, stderr=popen.pop("stderr", subprocess.PIPE), text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
            **popen,
        )  # fmt: skip
        self._lines: queue.Queue[str] = queue.Queue()
        self._readers = [threading.Thread(target=self._read_stdout)]
        if self.process.stderr is not None:
            self._readers.append(threading.Thread(target=self._read_log))
        for reader in self._readers:
            reader.start()

    def write(self, settings: dict[str, Any]) -> None:
        settings = {"server": {"port": 0, "workers": 2, "shutdown_s": 5}, "admin": {"port": 0}, **settings}
        self.file.write_text(json.dumps(settings))

    def started(self) -> Node:
        (_, self.port), (_, self.admin_port) = json.loads(self._lines.get(timeout=WITHIN_S))
        return self

    def get(self, path: str = "/", *, admin: bool = False, timeout_s: float = WITHIN_S) -> tuple[int, str]:
        connection = HTTPConnection("127.0.0.1", self.admin_port if admin else self.port, timeout=timeout_s)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def worker(self) -> dict[str, Any]:
        return json.loads(self.get()[1])

    def metric(self, name: str) -> float:
        page = self.get("/metrics", admin=True)[1]
        return sum(float(line.rpartition(" ")[2]) for line in page.splitlines() if line.startswith(name))

    def children(self) -> list[int]:
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in found.split()]

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def logged(self, words: str) -> dict[str, Any]:
        return eventually(lambda: next((line for line in list(self.log) if words in line["event"]), None))

    def wait(self, within_s: float = WITHIN_S) -> int:
        code = self.process.wait(within_s)
        for reader in self._readers:
            reader.join(WITHIN_S)
        return code

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.wait()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    def _read_stdout(self) -> None:
        for line in self.process.stdout:
            self._lines.put(line)

    def _read_log(self) -> None:
        for line in self.process.stderr:
            self.log.append(json.loads(line) if line.startswith("{") else {"event": line})


@pytest.fixture(name="node")
def _node(tmp_path: Path) -> Iterator[Callable[..., Node]]:
    nodes: list[Node] = []

    def start(settings: dict[str, Any] | None = None, **popen: Any) -> Node:
        nodes.append(Node(tmp_path, settings or {}, **popen))
        return nodes[-1]

    yield start
    for node in nodes:
        node.close()


@pytest.fixture(name="eventually")
def _eventually() -> Callable[..., Any]:
    return eventually
