"""A real Redis server for tests: a program of its own, loopback only, nothing on disk."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from typing import Any, Self
from urllib.parse import quote

import pytest
from servers.mogr import free_port

READY_WITHIN_S = 30.0


class RedisServer:
    """Use as a context manager; the test is skipped where Debian's package is missing, and fails there in CI."""

    def __init__(self, password: str = "") -> None:
        if shutil.which("redis-server") is None:
            reason = "needs redis-server: apt-get install --no-install-recommends redis-server"
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
        self.port = free_port()
        self._password = password
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        user = f":{quote(self._password, safe='')}@" if self._password else ""
        return f"redis://{user}127.0.0.1:{self.port}/0"

    def start(self) -> Self:
        options = {
            "port": self.port,
            "bind": "127.0.0.1",
            "save": "",
            "appendonly": "no",
            "requirepass": self._password,
        }
        command = ["redis-server", *(part for key, value in options.items() for part in (f"--{key}", str(value)))]
        self.process = subprocess.Popen(command, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until_s = time.monotonic() + READY_WITHIN_S
        while True:
            try:
                with self.client() as client:
                    client.ping()
                return self
            except Exception as error:
                if time.monotonic() > until_s or self.process.poll() is not None:
                    self.kill()
                    raise AssertionError("redis-server did not start") from error
            time.sleep(0.02)

    def client(self) -> Any:
        """An independent, plain client, to look at what ours did."""
        import redis

        return redis.Redis.from_url(self.url, decode_responses=True, socket_timeout=READY_WITHIN_S)

    def seen(self, command: str) -> int:
        """How many of *command* it has carried out."""
        with self.client() as client:
            return client.info("commandstats").get(f"cmdstat_{command}", {"calls": 0})["calls"]

    def signal(self, number: signal.Signals) -> None:
        """``SIGSTOP`` makes a black hole of it: the kernel still accepts connections, and nobody answers."""
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(timeout=10)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()
