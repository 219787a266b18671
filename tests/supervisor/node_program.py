"""A node made of stand-ins, as a program: ``node_program.py SETTINGS.json``; SIGHUP reads the file again.

It prints one JSON line with both addresses when it serves.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import ValidationError

from proxy import settings as tree
from proxy.configuration import ConfigurationError
from proxy.supervisor.fleet import Slots
from proxy.supervisor.node import Supervisor
from proxy.supervisor.sockets import StartError


class StandInCodecs:
    restarts: Mapping[str, int] = {"crashed": 1}
    queue_s = 0.25
    written_bytes = 0

    def __init__(self, settings: tree.Codec) -> None:
        self.slots = Slots(8)
        self.processes = settings.workers
        self.ready = False
        self._queue = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.queue_fd = self._queue[0].fileno()
        self.board_fd = os.memfd_create("board")

    async def start(self) -> None:
        if self.processes == 13:
            raise StartError("the codec processes ended at once")
        self.ready = True

    async def stop(self, grace_s: float) -> None:
        self.ready = False


class StandInParts:
    epochs_fd = os.memfd_create("epochs")
    presence_fd = os.memfd_create("presence")
    writer_fd = os.memfd_create("writer")
    web_command = (sys.executable, str(Path(__file__).with_name("stand_in_worker.py")))

    async def keep_writing(self, nice: int) -> None:
        raise AssertionError("no disk tier here")

    async def capabilities(self) -> Mapping[str, object]:
        return {"encode": ["jpeg"], "versions": {"libvips": "8.18.7"}}

    def recent_fd(self, settings: tree.Settings) -> int:
        return os.memfd_create("recent")

    def codecs(self, settings: tree.Codec) -> StandInCodecs:
        return StandInCodecs(settings)

    def sweeper(self, settings: tree.DiskCache, written_bytes: Callable[[], int]) -> None:
        raise AssertionError("no disk tier here")

    def web_settings(self, settings: tree.Settings) -> object:
        return settings.model_dump(mode="json", include={"credentials"})


def load() -> tree.Settings:
    try:
        return tree.Settings.model_validate_json(Path(sys.argv[1]).read_text())
    except ValidationError as error:
        raise ConfigurationError([str(each["loc"]) + " is wrong" for each in error.errors()]) from None


def started(edge: tuple[str, int], admin: tuple[str, int]) -> None:
    print(json.dumps([edge, admin]), flush=True)


sys.exit(asyncio.run(Supervisor(load(), load=load, parts=StandInParts(), on_started=started).run()))
