"""The real codec processes as the supervisor holds them."""

from __future__ import annotations

import pytest

from proxy.codec.pool import CodecPool
from proxy.settings import Codec
from proxy.supervisor import assembly
from proxy.supervisor.sockets import StartError

pytestmark = pytest.mark.may_block("starting a process opens /dev/null")


async def test_codec_processes_are_up_once_started_and_gone_once_stopped():
    codecs = assembly.NodeParts().codecs(Codec(workers=1))
    try:
        await codecs.start()
        assert codecs.ready
        assert (codecs.processes, codecs.queue_s, codecs.written_bytes) == (1, 0, 0)
        assert min(codecs.board_fd, codecs.queue_fd) > 2
    finally:
        await codecs.stop(1)
        await codecs.stop(0)
    assert not codecs.ready
    assert (codecs.processes, codecs.queue_s, codecs.written_bytes, codecs.restarts) == (0, 0, 0, {})


async def test_codec_processes_that_die_at_once_are_a_clear_error(monkeypatch):
    class Dying(CodecPool):
        def __init__(self, *arguments, **named) -> None:
            super().__init__(*arguments, **named, program=("false",))

    monkeypatch.setattr(assembly, "CodecPool", Dying)
    codecs = assembly.PoolCodecs(Codec(workers=1))
    try:
        with pytest.raises(StartError, match="die at their start"):
            await codecs.start()
    finally:
        await codecs.stop(0)


async def test_what_the_build_can_do_is_asked_of_another_process():
    found = await assembly.ask_capabilities()
    assert {"decode", "encode", "versions", "policy"} <= found.keys()


@pytest.mark.parametrize("program", ["raise SystemExit(3)", "print('{')", "import no_such_module"])
async def test_a_codec_that_cannot_be_loaded_is_a_clear_error(monkeypatch, capfd, program):
    monkeypatch.setattr(assembly, "_ASK", program)
    with pytest.raises(StartError, match="cannot be loaded"):
        await assembly.ask_capabilities()
