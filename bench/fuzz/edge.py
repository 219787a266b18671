"""Fuzz a running edge: generated requests to a real server of this checkout, with good, broken and hostile objects.

    make fuzz-edge
    make fuzz-edge FUZZ="--seconds 600 --seed 7"
    make fuzz-edge FUZZ="--seed 7 --number 1234"           one request of that run again

Looks for answers that ``answers.complaint`` objects to (a 5xx that no page documents, an error that is no XML, a picture of
another format than its Content-Type), for connections that end without an answer, for answers that do not come, for other answers
to the same request, and for processes that were lost.  Request number N of a seed is always the same.  Failures are made smaller,
printed once per kind as a target and its header fields, and end the run with 1.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import hashlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Self

from bench.fuzz.answers import Answer, complaint, repetition
from bench.fuzz.asked import BUCKETS, STYLES, Request, request
from bench.fuzz.sources import sources
from bench.running import free_port, wait_until_ready

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT.parent / "shared/images"
ANSWER_WITHIN_S = 90.0
"""More than the server's own deadlines together; what takes longer hangs."""
_SHRINKING_S = 30.0
_HARMLESS_ENDS = frozenset({"recycled", "deadline"})
"""Why a codec process may end: it has done its share, or the picture took too long and 504 says so."""
CONFIGURATION = """
[server]
port = 0
shutdown_s = 5
[admin]
port = {admin_port}
[cache.disk]
path = "cache"
max_bytes = 200000000
[codec]
workers = 2
deadline_s = 10
queue_s = 30
[limits]
profile = "{profile}"
max_pixels = 20000000
"""
_BUCKET = """
[buckets."{name}"]
store = "file:objects"
style_separators = "-_/!"
{settings}
[buckets."{name}".styles]
{styles}
"""
_SETTINGS = {
    BUCKETS[0]: "default = true",
    BUCKETS[
        1
    ]: 'auto_format = true\nauto_orient = true\nclient_hints = true\npersist = "read-through"\npersist_store = "memory:"',
    BUCKETS[2]: 'negotiate = "exact"\ncopyright = "keep"',
    BUCKETS[3]: 'public = "private"',
}


class NoAnswerError(Exception):
    """The connection ended, or time did."""


class Edge:
    """A server with a directory of its own; use as a context manager."""

    def __init__(self, folder: Path, objects: dict[str, bytes], *, profile: str) -> None:
        self.port, self._admin_port = free_port(), free_port()
        self._folder = folder
        self.objects = frozenset(hashlib.sha256(body).digest() for body in objects.values())
        """Sums of what is served as it is."""
        for key, body in objects.items():
            path = folder / "objects" / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
        styles = "\n".join(f"{name} = {json.dumps(text)}" for name, text in STYLES.items())
        text = CONFIGURATION.replace("port = 0", f"port = {self.port}", 1).format(
            admin_port=self._admin_port, profile=profile
        )
        text += "".join(_BUCKET.format(name=name, settings=_SETTINGS[name], styles=styles) for name in BUCKETS)
        (folder / "edge.toml").write_text(text)
        self.log = folder / "edge.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "proxy", "serve", "--config", str(self._folder / "edge.toml")]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MOGR_")}
        with self.log.open("wb") as sink:
            self._process = subprocess.Popen(
                command, cwd=ROOT, stdout=sink, stderr=sink, env=environment, start_new_session=True
            )
        try:
            wait_until_ready(f"http://127.0.0.1:{self._admin_port}/readyz", self._process, self.log)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is None:
            return
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def ask(self, asked: Request) -> Answer:
        """The answer, whole.

        Raises:
            NoAnswerError: there is none, or less of it than it says.
        """
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=ANSWER_WITHIN_S) as connection:
                connection.sendall(asked.encoded())
                response = http.client.HTTPResponse(connection, method=asked.method)
                response.begin()
                body = response.read()
        except TimeoutError:
            raise NoAnswerError("no answer in time") from None
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswerError(f"no answer: {type(error).__name__}") from None
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, body)

    def lost(self) -> dict[str, int]:
        """Processes that ended as none should, by reason."""
        text = self._admin("/metrics")
        found = re.findall(r'^mogr_codec_restarts_total\{reason="([^"]+)"\} ([0-9.]+)', text, re.MULTILINE)
        ends = {
            f"codec process, {reason}": int(float(number)) for reason, number in found if reason not in _HARMLESS_ENDS
        }
        web = re.search(r"^mogr_web_worker_restarts_total ([0-9.]+)", text, re.MULTILINE)
        ends["web worker"] = int(float(web[1])) if web else 0
        return {reason: number for reason, number in ends.items() if number}

    def bugs(self) -> list[str]:
        """Lines of the log that no request may cause."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [line for line in lines if "Traceback" in line or "InternalError" in line or '"level":"error"' in line]

    def _admin(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._admin_port}{path}", timeout=30) as answer:
            return str(answer.read().decode())


class Run:
    """Threads that take numbers, make requests of them, and judge what comes back."""

    def __init__(self, edge: Edge, keys: Sequence[str], *, seed: int) -> None:
        self._edge = edge
        self._keys = keys
        self._seed = seed
        self._lock = threading.Lock()
        self._next = 0
        self._known: set[str] = set()
        self.statuses: collections.Counter[int] = collections.Counter()

    @property
    def failures(self) -> int:
        return len(self._known)

    def go(self, seconds: float, *, threads: int) -> None:
        until_s = time.monotonic() + seconds

        def work() -> None:
            while time.monotonic() < until_s:
                with self._lock:
                    number, self._next = self._next, self._next + 1
                self.try_one(number)

        workers = [threading.Thread(target=work, daemon=True) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    def try_one(self, number: int) -> None:
        """Sends request *number*, and prints how it fails unless something did in the same way before."""
        random = Random(f"{self._seed} {number}")
        asked = request(random, self._keys)
        twice = random.random() < 0.03
        found = self._fails(asked, twice=twice, count=True)
        if found is None:
            return
        with self._lock:
            if found in self._known:
                return
            self._known.add(found)
        small = self._shrunk(asked, found, twice=twice)
        print(
            f"\nFAILURE {found}\nrequest {number} of seed {self._seed}, made smaller:\n{small.encoded()!r}", flush=True
        )

    def _fails(self, asked: Request, *, twice: bool, count: bool = False) -> str | None:
        try:
            answer = self._edge.ask(asked)
            again = self._edge.ask(asked) if twice else None
        except NoAnswerError as error:
            return str(error)
        if count:
            with self._lock:
                self.statuses[answer.status] += 1
        found = complaint(asked, answer, object_=hashlib.sha256(answer.body).digest() in self._edge.objects)
        return found if found or again is None else repetition(answer, again)

    def _shrunk(self, asked: Request, kind: str, *, twice: bool) -> Request:
        """*asked* without what it fails without, as far as time allows."""
        until_s = time.monotonic() + _SHRINKING_S
        shrinking = True
        while shrinking:
            shrinking = False
            for shorter in asked.shorter():
                if time.monotonic() > until_s:
                    return asked
                if self._fails(shorter, twice=twice) == kind:
                    asked, shrinking = shorter, True
                    break
        return asked


@contextlib.contextmanager
def running(seed: int, corpus: Path | None, *, files: int) -> Iterator[tuple[Edge, Sequence[str]]]:
    """The server of *seed*, and the keys of its objects, some of which are not there."""
    objects = dict(sources(Random(seed), corpus, most=files))
    with tempfile.TemporaryDirectory(prefix="fuzz-edge-") as folder:
        # The small and good ones more often: they let operations be tried, which the others do not get to.
        small = [
            key
            for key, body in objects.items()
            if "/" not in key and not key.startswith("broken") and len(body) < 50_000
        ]
        keys = [*small * 4, *objects, "missing.jpg"]
        with Edge(Path(folder), objects, profile=("classic", "ci-2026")[seed % 2]) as edge:
            yield edge, keys


def main() -> int:
    parser = argparse.ArgumentParser(description="Fuzz a running edge.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--number", type=int, help="send this one request of the seed, and show the answer")
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument(
        "--corpus", type=Path, default=CORPUS, help="a directory with further objects (default %(default)s)"
    )
    parser.add_argument("--files", type=int, default=60, help="how many of them (default %(default)s)")
    options = parser.parse_args()
    with running(options.seed, options.corpus, files=options.files) as (edge, keys):
        run = Run(edge, keys, seed=options.seed)
        if options.number is not None:
            asked = request(Random(f"{options.seed} {options.number}"), keys)
            answer = edge.ask(asked)
            print(f"{asked.encoded()!r}\n{answer.status} {dict(answer.headers)}\n{answer.body[:600]!r}")
            run.try_one(options.number)
        else:
            run.go(options.seconds, threads=options.threads)
        lost, bugs = edge.lost(), edge.bugs()
    for line in bugs[:20]:
        print(f"\nLOGGED {line[:600]}")
    for reason, number in lost.items():
        print(f"\nLOST {number} times: {reason}")
    statuses = ", ".join(f"{status}: {number}" for status, number in sorted(run.statuses.items()))
    print(f"\n{run.statuses.total()} requests, {run.failures} kinds of failure; answers by status: {statuses}")
    return 1 if run.failures or lost or bugs else 0


if __name__ == "__main__":
    sys.exit(main())
