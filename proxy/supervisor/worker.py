"""One web worker as its supervisor sees it: a program, a control socket, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxy.logs import log
from proxy.supervisor import control
from proxy.supervisor.tally import Tally

_ROOT = Path(__file__).resolve().parents[2]


def python(module: str) -> tuple[str, ...]:
    """The command that runs *module* of ours in a process of its own.

    ``-m`` alone would also import whatever lies in the working directory, which may be anybody's pictures.
    """
    safe = () if Path.cwd() == _ROOT else ("-P",)
    return (sys.executable, *safe, "-m", module)


class CallError(Exception):
    """A web worker could not do what it was asked to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outfit:
    """What every web worker of a generation is started with."""

    command: tuple[str, ...]
    edge_fd: int
    board_fd: int
    epochs_fd: int
    presence_fd: int
    queue_fd: int
    recent_fd: int
    writer_fd: int
    start: bytes
    """The JSON text that it reads from its start descriptor: settings (with secrets) and codec capabilities."""


class WebWorker:
    """A running web worker.  Made by ``launch``; whoever launches it awaits ``exit``."""

    def __init__(self, process: asyncio.subprocess.Process, sock: socket.socket, slot: int, tally: Tally) -> None:
        self.slot = slot
        self.pid = process.pid
        self.started_s = time.monotonic()
        self._process, self._socket, self._tally = process, sock, tally
        self._ready = asyncio.Event()
        self._heard = asyncio.Event()
        self._numbers = itertools.count(1)
        self._results: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._listening = asyncio.create_task(self._listen(), name=f"control of web worker {slot}")
        self.exit = asyncio.create_task(self._watch(), name=f"exit of web worker {slot}")
        """Done with the return code when the process is gone and its last totals are in the tally."""

    @classmethod
    async def launch(cls, outfit: Outfit, slot: int, tally: Tally) -> WebWorker:
        """Start the program in a process group of its own, so that Ctrl-C in a terminal reaches only the supervisor."""
        ours, theirs = control.pair()
        start_fd = os.memfd_create("mogr-start")
        try:
            os.write(start_fd, outfit.start)
            os.lseek(start_fd, 0, os.SEEK_SET)
            fds = {
                "--edge-fd": outfit.edge_fd,
                "--control-fd": theirs.fileno(),
                "--board-fd": outfit.board_fd,
                "--epochs-fd": outfit.epochs_fd,
                "--presence-fd": outfit.presence_fd,
                "--queue-fd": outfit.queue_fd,
                "--recent-fd": outfit.recent_fd,
                "--writer-fd": outfit.writer_fd,
                "--start-fd": start_fd,
            }
            process = await _spawn([*outfit.command, "--slot", str(slot)], fds)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
            os.close(start_fd)
        return cls(process, ours, slot, tally)

    @property
    def accepts(self) -> bool:
        return self._ready.is_set() and not self.exit.done()

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def ready(self, within_s: float) -> bool:
        """Whether it accepted requests in time; False as soon as it is gone.  Cancelling changes nothing."""
        waiting = asyncio.create_task(self._ready.wait())
        try:
            await asyncio.wait({waiting, self.exit}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        return self.accepts

    async def report(self, within_s: float) -> None:
        """Bring its totals in the tally up to date, if it answers in time."""
        if not self.accepts:
            return
        self._heard.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await control.send(self._socket, {"ask": "totals"})
                await self._heard.wait()

    async def call(self, name: str, argument: object, within_s: float) -> Any:
        """What the worker answers.

        Raises:
            CallError: it cannot, or not in time.
        """
        number, answer = next(self._numbers), asyncio.get_running_loop().create_future()
        self._results[number] = answer
        try:
            async with asyncio.timeout(within_s):
                await control.send(self._socket, {"call": name, "id": number, "argument": argument})
                said: dict[str, Any] = await answer
        except TimeoutError:
            raise CallError(f"web worker {self.slot} does not answer") from None
        finally:
            del self._results[number]
        if "error" in said:
            raise CallError(said["error"])
        return said.get("result")

    def signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def _listen(self) -> None:
        while (message := await control.receive(self._socket)) is not None:
            if message.get("event") == "ready":
                self._ready.set()
            elif message.get("event") == "totals":
                if not self._tally.heard(self, message.get("totals")):
                    log("A web worker sent totals that cannot be read.", level="error", slot=self.slot, pid=self.pid)
                self._heard.set()
            elif message.get("event") == "result":
                self._answered(self._results.get(message.get("id", 0)), message)
        self._heard.set()
        for waiting in self._results.values():
            self._answered(waiting, {"error": "the web worker has ended"})

    @staticmethod
    def _answered(waiting: asyncio.Future[dict[str, Any]] | None, message: dict[str, Any]) -> None:
        if waiting is not None and not waiting.done():
            waiting.set_result(message)

    async def _watch(self) -> int:
        code = await self._process.wait()
        # Its end of the socket is closed, unless something it started still holds it: then nobody waits for that.
        await asyncio.wait({self._listening}, timeout=1)
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
        self._socket.close()
        self._tally.died(self)
        return code


def ending(code: int) -> str:
    """How a process ended, for people."""
    if code >= 0:
        return f"exit status {code}"
    with contextlib.suppress(ValueError):
        return f"signal {signal.Signals(-code).name}"
    return f"signal {-code}"


async def _spawn(command: Sequence[str], fds: dict[str, int]) -> asyncio.subprocess.Process:
    named = [text for option, fd in fds.items() for text in (option, str(fd))]
    return await asyncio.create_subprocess_exec(
        *command, *named, pass_fds=tuple(fds.values()), stdin=asyncio.subprocess.DEVNULL, process_group=0
    )
