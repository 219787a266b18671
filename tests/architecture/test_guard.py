"""The guards of conftest.py do bite."""

from __future__ import annotations

import asyncio
import os
import types
from pathlib import Path

import pytest
from blockbuster import BlockingError

import proxy


def as_if_in_the_package(source: str) -> types.FunctionType:
    """``call()`` of *source*, compiled as if it stood in a module of ours."""
    scope: dict[str, object] = {"os": os, "Path": Path}
    exec(compile(source, str(Path(proxy.__file__).with_name("planted.py")), "exec"), scope)
    return scope["call"]


@pytest.mark.parametrize(
    "body",
    ["Path('/etc/hostname').read_bytes()", "os.stat('/')", "os.listdir('/')", "os.open('/etc/hostname', os.O_RDONLY)"],
)
async def test_a_blocking_call_of_ours_on_the_loop_fails_the_test(body):
    call = as_if_in_the_package(f"def call():\n    return {body}")
    with pytest.raises(BlockingError):
        call()


async def test_the_same_call_in_a_thread_is_fine():
    call = as_if_in_the_package("def call():\n    return os.stat('/')")
    assert await asyncio.to_thread(call)


async def test_writing_to_memory_is_fine():
    call = as_if_in_the_package(
        "def call():\n    fd = os.memfd_create('x')\n    n = os.write(fd, b'x')\n    os.close(fd)\n    return n"
    )
    assert call() == 1


def test_no_setting_of_the_machine_reaches_a_test():
    assert not [name for name in os.environ if name.startswith(("MOGR_", "AWS_"))]
