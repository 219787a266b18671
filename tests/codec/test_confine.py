"""What a codec process can still do, tried from inside one."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from proxy.codec import confine, landlock, seccomp
from proxy.codec.confine import Gap
from proxy.codec.process import jemalloc

StartNode = Callable[..., Awaitable[Any]]
ROOT = Path(__file__).resolve().parents[2]


async def looked(node: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(await node.render(b"look"))
    return found


async def test_nothing_gets_out_of_a_codec_process(node: Any) -> None:
    gaps = Gap(node.board.codec(0).gaps)
    if gaps:
        pytest.skip(f"this kernel lacks {gaps.names}")
    found = json.loads(await node.render(b"escape"))
    assert len(found) > 20
    assert {name: outcome for name, outcome in found.items() if outcome not in ("EPERM", "EACCES")} == {}
    assert await node.render(b"next") == b"made of next"


def test_jemalloc_is_used_where_it_is_installed(tmp_path: Path) -> None:
    pattern = f"{tmp_path}/*-linux-*/libjemalloc.so.2"
    assert jemalloc([pattern]) == {}
    library = tmp_path / "m68k-linux-gnu" / "libjemalloc.so.2"
    library.parent.mkdir()
    library.touch()
    assert jemalloc([pattern])["LD_PRELOAD"] == str(library)


@pytest.mark.parametrize("wanted", [True, False])
async def test_processes_are_started_with_it_unless_it_is_not_wanted(
    start_node: StartNode, monkeypatch: pytest.MonkeyPatch, wanted: bool
) -> None:
    monkeypatch.setattr("proxy.codec.pool.jemalloc", lambda: {"MALLOC_CONF": "narenas:1"})
    environment = (await looked(await start_node(use_jemalloc=wanted)))["environment"]
    assert environment.get("MALLOC_CONF") == ("narenas:1" if wanted else None)


async def test_it_knows_no_environment_but_its_own(node: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOGR_SECRET__KEY", "hunter2")
    os.environ["AWS_SECRET_ACCESS_KEY"] = "hunter2"
    os.kill(node.pid(), 9)
    await node.until(lambda: node.pool.statistics().deaths)
    await node.until(node.pool.ready)
    del os.environ["AWS_SECRET_ACCESS_KEY"]
    environment = (await looked(node))["environment"]
    assert {name for name in environment if not name.startswith(("PYTHON", "VIPS_", "MALLOC_"))} <= {
        "LC_ALL",
        "LC_CTYPE",
        "FONTCONFIG_FILE",
        "OPENBLAS_NUM_THREADS",
        "LD_PRELOAD",
    }
    assert environment["VIPS_CONCURRENCY"] == "1"
    assert "hunter2" not in json.dumps(environment)
    if os.geteuid() == 0:  # it is not dumpable, so only root sees what the kernel says of it
        assert b"hunter2" not in Path(f"/proc/{node.pid()}/environ").read_bytes()


async def test_it_inherits_no_descriptor_but_those_it_needs(node: Any) -> None:
    secret = os.open("/etc/passwd", os.O_RDONLY)
    os.set_inheritable(secret, True)
    listener = os.eventfd(0)
    os.set_inheritable(listener, True)
    try:
        os.kill(node.pid(), 9)
        await node.until(lambda: node.pool.statistics().deaths)
        await node.until(node.pool.ready)
        fds = {int(fd): mode for fd, mode in (await looked(node))["fds"].items()}
        queue, board = node.pool._queue.fileno(), node.board.fd
        mine = {fd for fd in fds if fd not in (0, 1, 2, queue, board)}
        # Of its own: the board's mapping, /proc/self/statm, and the line and the sheet of the job.
        assert len(mine) == 4
        if os.geteuid() == 0:
            names = {fd: os.readlink(f"/proc/{node.pid()}/fd/{fd}") for fd in fds if fd not in mine}
            assert names[0].startswith("pipe:")
            assert names[1] == "/dev/null"
            assert names[queue].startswith("socket:")
            assert names[board].startswith("/memfd:mogr-board")
    finally:
        os.close(secret)
        os.close(listener)
    assert stat.S_ISFIFO(fds[0])


async def test_its_working_directory_is_nobodys(node: Any) -> None:
    found = await looked(node)
    assert found["cwd"] == "/"
    if os.geteuid() == 0:
        status = Path(f"/proc/{node.pid()}/status").read_text()
        assert "NoNewPrivs:\t1" in status
        assert os.getpgid(node.pid()) == node.pid()
        assert terminal_of(node.pid()) == 0


def terminal_of(pid: int | str) -> int:
    """The number of a process' controlling terminal; 0: it has none (proc(5))."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[4])


LEAVES = """
import os
from pathlib import Path
from proxy.codec.confine import leave_terminal
def terminal():
    return int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[4])
assert terminal() != 0
os.close(os.open("/dev/tty", os.O_RDWR))
leave_terminal()
assert terminal() == 0
try:
    os.open("/dev/tty", os.O_RDWR)
except OSError:
    print("gone, session", os.getsid(0) == os.getppid())
"""


def test_a_terminal_is_left_without_leaving_its_session() -> None:
    leader = f"""
import fcntl, os, subprocess, sys, termios
_, end = os.openpty()
fcntl.ioctl(end, termios.TIOCSCTTY, 0)
subprocess.run([sys.executable, "-c", {LEAVES!r}], process_group=0, check=True)
"""
    said = subprocess.run(
        [sys.executable, "-c", leader], capture_output=True, check=True, cwd=ROOT, text=True, timeout=20,
        start_new_session=True,
    )  # fmt: skip
    assert said.stdout == "gone, session True\n"


def inside(program: str) -> str:
    """What *program* prints in a process that confined itself."""
    start = "import os, sys; from proxy.codec import confine, landlock, seccomp\n"
    said = subprocess.run(
        [sys.executable, "-c", start + program], capture_output=True, check=False, cwd=ROOT, text=True, timeout=20
    )
    assert said.returncode == 0, said.stderr
    return said.stdout.strip()


def test_each_layer_holds_alone(tmp_path: Path) -> None:
    attempt = f"""
import ctypes
ctypes.CDLL(None).prctl(38, 1, 0, 0, 0)
print(LAYER)
try:
    open({str(tmp_path / "written")!r}, "w")
except PermissionError:
    print("refused")
"""
    with_landlock = inside(attempt.replace("LAYER", "landlock.restrict(confine.readable()) > 0")).split()
    with_seccomp = inside(attempt.replace("LAYER", "seccomp.install()")).split()
    for said in (with_landlock, with_seccomp):
        assert said in (["True", "refused"], ["False"]), "a layer that is in force refuses"


def test_reading_is_restricted_to_code_and_fonts(tmp_path: Path) -> None:
    secret = tmp_path / "mogr.toml"
    secret.write_text("secret")
    said = inside(f"""
gaps = confine.confine()
def reads(path):
    try:
        return bool(open(path, "rb").read(1))
    except PermissionError:
        return False
import proxy.core.model, json.tool
print(gaps & confine.Gap.FILES, reads({str(secret)!r}), reads(proxy.core.model.__file__), reads(os.__file__))
""")
    if said.startswith("2"):
        pytest.skip("this kernel has no landlock")
    assert said == "0 False True True"


def test_nothing_of_the_checkout_but_code_is_readable() -> None:
    assert ROOT not in confine.readable()
    assert not any(path in (Path("/"), Path("/etc"), Path("/proc"), Path.home()) for path in confine.readable())


def test_threads_may_be_started_and_processes_not() -> None:
    said = inside("""
import threading
confine.confine()
thread = threading.Thread(target=lambda: print("thread"))
thread.start(); thread.join()
try:
    os.fork()
except PermissionError:
    print("no fork")
""")
    assert said.split("\n")[0] == "thread"


def test_a_kernel_that_lacks_everything_is_reported_and_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    said = inside("""
landlock.restrict = lambda readable: 0
seccomp.install = lambda: False
print(*confine.confine().names)
open("/dev/null", "w").close()
""")
    assert said == "files network calls"


def test_an_unknown_processor_has_no_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seccomp, "_ARCHITECTURES", {})
    assert seccomp.install() is False


def test_a_kernel_without_landlock_is_told_from_one_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "_call", lambda *_: -1)
    assert landlock.restrict([]) == 0


@pytest.mark.parametrize(("column", "architecture"), [(0, 0xC000003E), (1, 0xC00000B7)])
def test_the_filter_is_well_formed_on_each_processor(column: int, architecture: int) -> None:
    """Every jump lands inside, the last step returns, and the kernel's 4,096 steps are not exceeded."""
    steps = list(seccomp._program(column, architecture, 1234))
    assert len(steps) < 4096
    for at, step in enumerate(steps):
        code, if_true, if_false = int.from_bytes(step[:2], "little"), step[2], step[3]
        assert len(step) == 8
        if code & 7 == 5:
            assert at + 1 + max(if_true, if_false) < len(steps)
    assert int.from_bytes(steps[-1][:2], "little") == 6


async def test_missing_layers_are_logged_once(
    start_node: StartNode, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.codec.board.CodecSlot.gaps", 6)
    node = await start_node(2)
    for _ in range(5):
        node.pool._check(node.pool._places[0], node.pool._places[0].process, 0)
        node.pool._check(node.pool._places[1], node.pool._places[1].process, 0)
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if "confined" in line]
    assert [line["missing"] for line in lines] == [["files", "network"]]


async def test_memory_is_bounded_beyond_what_it_starts_with(start_node: StartNode) -> None:
    node = await start_node(1, memory_bytes=1 << 28)
    if os.geteuid() != 0:
        pytest.skip("only root sees the limits of a process that is not dumpable")
    limits = Path(f"/proc/{node.pid()}/limits").read_text()
    line = next(line for line in limits.splitlines() if line.startswith("Max address space"))
    soft, hard = line.split()[3:5]
    assert soft == hard
    assert (1 << 28) < int(soft) < (1 << 28) + (1 << 30)
    assert "Max core file size        0 " in limits
