"""FFmpeg runs for one job, confined, and goes when its job, its launcher or the codec process goes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from proxy.codec import avs2, avs2_stream, confine, transport
from proxy.codec.avs2_launcher import DECODE, ENCODE, Request, command, read_answer
from proxy.errors import CodecLost, InvalidImageFormat

with_ffmpeg = pytest.mark.skipif(avs2.program() is None, reason="needs imageio-ffmpeg: pip install mogr[tpg]")
ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 30.0
GREY = bytes([128]) * (64 * 64 * 3 // 2)


def until(condition: Callable[[], object]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.01)


@pytest.fixture
def held() -> Iterator[avs2._Held]:
    held = avs2._Held()
    yield held
    held.close()


def children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found]


def slow(width_px: int = 2048, height_px: int = 2048) -> tuple[Request, bytes]:
    """A job that takes long enough to be watched."""
    raw = os.urandom(1 << 16) * (width_px * height_px * 3 // 2 >> 16)
    request = Request(
        ENCODE, quantiser=30, width_px=width_px, height_px=height_px, output_bytes=1 << 30, memory_bytes=8 << 30
    )  # fmt: skip
    return request, raw * 8


def test_the_command_is_made_of_numbers_alone() -> None:
    encoding = command(Request(ENCODE, quantiser=30, intra=True, width_px=640, height_px=480))
    assert {"640x480", "30", "libxavs2", "pipe:0", "pipe:3"} <= set(encoding)
    for words in (encoding, command(Request(DECODE))):
        assert words[words.index("-protocol_whitelist") + 1] == "pipe"
        assert not [word for word in words if "/" in word]


def test_a_request_survives_the_line() -> None:
    request = Request(DECODE, 1, True, 0, 2, 3, 4, 5, 6)
    packed = request.pack()
    assert len(packed) <= 64
    assert read_answer((-11).to_bytes(4, sys.byteorder, signed=True)) == -11
    with pytest.raises(ValueError, match="answer"):
        read_answer(b"")


def inside(program: str) -> str:
    start = "import os, socket, sys; from pathlib import Path; from proxy.codec import confine\n"
    said = subprocess.run(
        [sys.executable, "-c", start + program], capture_output=True, check=False, cwd=ROOT, text=True, timeout=60
    )
    assert said.returncode == 0, said.stderr
    return said.stdout.strip()


def test_a_launcher_starts_one_program_and_that_starts_none(tmp_path: Path) -> None:
    said = inside(f"""
from proxy.codec import seccomp
gaps = confine.confine_launcher([Path("/usr/bin/env").resolve()])
def tried(name, work):
    try:
        work()
    except OSError as error:
        print(name, type(error).__name__)
    else:
        print(name, "done")
def child(work):
    pid = os.fork()
    if not pid:
        try:
            work()
        except PermissionError:
            os._exit(13)
        os._exit(14)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
print("gaps", int(gaps), flush=True)
tried("secret", lambda: open("/etc/passwd"))
tried("code", lambda: open({str(ROOT / "pyproject.toml")!r}))
tried("write", lambda: open({str(tmp_path / "written")!r}, "w"))
tried("socket", lambda: socket.socket())
sys.stdout.flush()
print("named", child(lambda: os.execve("/usr/bin/env", ["env"], {{}})))
print("other", child(lambda: os.execve("/bin/sh", ["sh", "-c", "exit 0"], {{}})))
def confined():
    seccomp.install(programs=True)
    os.fork()
print("forks", child(confined))
""")
    found = dict(line.split() for line in said.splitlines())
    if found.pop("gaps") != "0":
        pytest.skip("this kernel cannot confine")
    denied = dict.fromkeys(("secret", "code", "write", "socket"), "PermissionError")
    assert found == {**denied, "named": "0", "other": "13", "forks": "13"}


@with_ffmpeg
def test_a_stream_is_made_and_read(held: avs2._Held) -> None:
    stream = held.run(Request(ENCODE, 30, True, 0, 64, 64, 0, 1 << 30, 1 << 20), GREY, "public")
    header, pictures = avs2_stream.cut(stream)
    assert len(pictures) == 1
    playable, *_ = avs2_stream.playable([header + pictures[0]])
    assert held.run(Request(DECODE, memory_bytes=1 << 30, output_bytes=len(GREY)), playable, "public") == GREY


@with_ffmpeg
@pytest.mark.parametrize("data", [b"", b"no stream", bytes(100_000), b"\x00\x00\x01\xb0" * 1000])
def test_garbage_costs_its_job_only(held: avs2._Held, data: bytes) -> None:
    request = Request(DECODE, memory_bytes=1 << 30, output_bytes=1 << 20)
    with pytest.raises(InvalidImageFormat) as caught:
        held.run(request, data, "what the client reads")
    assert caught.value.public == "what the client reads"
    assert held.run(Request(ENCODE, 30, True, 0, 64, 64, 0, 1 << 30, 1 << 20), GREY, "public")


@with_ffmpeg
def test_a_decoder_that_waits_for_ever_is_ended(held: avs2._Held) -> None:
    """As libdavs2 does for a picture that has no slice; ``playable`` refuses this one, but not every one."""
    stream = held.run(Request(ENCODE, 30, True, 0, 64, 64, 0, 1 << 30, 1 << 20), GREY * 2, "public")
    header, (first, second) = avs2_stream.cut(stream)
    piece = header + first[: first.index(b"\x00\x00\x01", 4)]
    with pytest.raises(InvalidImageFormat, match="slice"):
        avs2_stream.playable([piece, second])
    endless = piece + second + avs2_stream.END + header
    with pytest.raises(InvalidImageFormat, match=f"ended with {-signal.SIGXCPU} after 0"):
        held.run(Request(DECODE, memory_bytes=1 << 30, output_bytes=2 * len(GREY)), endless, "public")
    assert held.run(Request(DECODE, memory_bytes=1 << 30, output_bytes=2 * len(GREY)), stream + header, "public")


@with_ffmpeg
@pytest.mark.parametrize("change", [{"output_bytes": 16}, {"memory_bytes": 64 << 20}, {"within_s": 0}])
def test_output_memory_and_time_are_bounded(held: avs2._Held, change: dict[str, int]) -> None:
    request = Request(ENCODE, 30, True, 0, 64, 64, 60, 1 << 30, 1 << 20)._replace(**change)
    line = avs2.launch()
    assert line is not None
    popen, ends = line
    try:
        transport.write_sheet(ends.input_fd, 0, GREY)
        with socket.socket(fileno=os.dup(ends.line_fd)) as asked:
            asked.send(request.pack())
            assert read_answer(asked.recv(64)) != 0
        assert os.fstat(ends.output_fd).st_size <= request.output_bytes
    finally:
        ends.close()
        assert popen.wait(PATIENCE_S) == 0


@with_ffmpeg
def test_ffmpeg_goes_with_its_launcher_s_owner() -> None:
    launched = avs2.launch()
    assert launched is not None
    popen, ends = launched
    request, raw = slow()
    transport.write_sheet(ends.input_fd, 0, raw)
    with socket.socket(fileno=os.dup(ends.line_fd)) as line:
        line.send(request._replace(within_s=600).pack())
        until(lambda: children(popen.pid))
        (ffmpeg,) = children(popen.pid)
        until(lambda: Path(os.readlink(f"/proc/{ffmpeg}/exe")) == avs2.program())
        looked_at = Path(f"/proc/{ffmpeg}")
        assert looked_at.joinpath("environ").read_bytes() == b"MALLOC_ARENA_MAX=1\0"
        fds = {int(fd.name): os.readlink(fd) for fd in looked_at.joinpath("fd").iterdir()}
        # The last one is the pipe whose end tells the launcher that it is gone.
        names = [fds[place].removesuffix(" (deleted)").partition(":")[0] for place in range(5)]
        assert names == ["/memfd", "/dev/null", "/dev/null", "/memfd", "pipe"]
        assert not [name for name in fds.values() if "socket" in name]
        if not confine.Gap.CALLS & _gaps():
            assert "Seccomp:\t2" in looked_at.joinpath("status").read_text()
    ends.close()
    assert popen.wait(PATIENCE_S) == 0
    assert not looked_at.exists()


def _gaps() -> confine.Gap:
    return confine.Gap(int(inside("print(int(confine.confine()))")))


@with_ffmpeg
@pytest.mark.parametrize("whom", ["ffmpeg", "launcher"])
def test_what_is_killed_from_outside_is_nobody_s_fault(held: avs2._Held, whom: str) -> None:
    import threading

    request, raw = slow()
    raised: list[BaseException] = []

    def work() -> None:
        try:
            held.run(request, raw, "public")
        except CodecLost as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    until(lambda: held._popen is not None)
    assert held._popen is not None
    launcher = held._popen.pid
    until(lambda: children(launcher))
    (ffmpeg,) = children(launcher)
    os.kill(ffmpeg if whom == "ffmpeg" else launcher, signal.SIGKILL)
    thread.join(PATIENCE_S)
    assert len(raised) == 1
    until(lambda: not Path(f"/proc/{ffmpeg}/exe").exists())
    # The next job has a launcher again.
    assert held.run(Request(ENCODE, 30, True, 0, 64, 64, 0, 1 << 30, 1 << 20), GREY, "public")


def test_without_the_package_there_is_nothing_to_ask(monkeypatch: pytest.MonkeyPatch, held: avs2._Held) -> None:
    monkeypatch.setattr(avs2, "program", lambda: None)
    assert not held.available()
    assert avs2.launch() is None
    with pytest.raises(InvalidImageFormat):
        held.run(Request(DECODE), b"", "public")
