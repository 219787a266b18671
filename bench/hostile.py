"""Every file of a corpus of hostile and odd pictures through every kind of operation, against a real server.

    nice -n 10 .venv/bin/python bench/hostile.py ../shared/images/hostile ../shared/images/formats
    ... --only 'gif_*' --operations 'format/*' --workers 2 --deadline-s 10

Shows how often each status was answered, the worst times, the most memory a codec process ever had resident, which
processes were lost and why, and every answer that is wrong: a 5xx other than 504, an error without CI's XML, a picture of
another type than the header says, or an answer past all deadlines.  Exits with 1 if there is one.

Errors are not remembered (``error_ttl_s = 0``), so that nothing is spared because an earlier operation failed.
"""

from __future__ import annotations

import argparse
import contextlib
import fnmatch
import re
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import attacks  # noqa: E402
from pictures import jpeg  # noqa: E402
from servers.mogr import Mogr  # noqa: E402

from proxy.codec.sniff import sniff  # noqa: E402
from proxy.formats import CATALOGUE  # noqa: E402
from proxy.ops.encoded import encode_text  # noqa: E402

HOST = "http://test-1250000000.cos.ap-guangzhou.myqcloud.com"
CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
GRACE_S = 5.0
"""What a machine that does other things as well may add to the deadlines of fetching marks, probing and painting."""


@dataclass(frozen=True)
class Answer:
    file: str
    operation: str
    status: int
    seconds: float
    wrong: str = ""


@dataclass
class Memory:
    """The most that codec processes had, seen by looking often."""

    resident_bytes: int = 0
    address_space_bytes: int = 0

    def look(self, pids: list[int]) -> None:
        for pid in pids:
            with contextlib.suppress(OSError):
                text = Path(f"/proc/{pid}/status").read_text()
                self.resident_bytes = max(self.resident_bytes, _kibibytes(text, "VmHWM"))
                self.address_space_bytes = max(self.address_space_bytes, _kibibytes(text, "VmPeak"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="+", type=Path, help="directories")
    parser.add_argument("--only", default="*", help="files, by name")
    parser.add_argument("--skip", nargs="*", default=(), help="files, by name: those of 250 Mpx take seconds each time")
    parser.add_argument("--operations", default="*", help="kinds of operation, by name (tests/attacks.py)")
    parser.add_argument("--workers", type=int, default=2, help="codec processes, and requests at a time")
    parser.add_argument("--deadline-s", type=float, default=10)
    given = parser.parse_args()
    files = {
        f"{number}{path.suffix}": path
        for number, path in enumerate(path for each in given.corpus for path in sorted(each.rglob(given.only)))
        if path.is_file() and not any(fnmatch.fnmatch(path.name, pattern) for pattern in given.skip)
    }
    memory = Memory()
    with tempfile.TemporaryDirectory(prefix="mogr-hostile-") as directory:
        server = Mogr(Path(directory), _settings(given.workers, given.deadline_s))
        server.put("good.jpg", jpeg())
        for key, path in files.items():
            shutil.copyfile(path, server.directory / "photos" / key)
        with server, _watched(server, memory):
            questions = list(_questions(files, given.operations))
            began_s = time.monotonic()
            with ThreadPoolExecutor(given.workers) as pool:
                asked = pool.map(lambda question: _ask(server, *question, given.deadline_s), questions)
                answers = [_noted(answer, number, len(questions)) for number, answer in enumerate(asked)]
            took_s = time.monotonic() - began_s
            alive = server.get("/good.jpg?imageMogr2/thumbnail/33x").status_code == 200
            lost = _lost(server)
    _show(answers, memory, lost, len(files), took_s)
    wrong = [answer for answer in answers if answer.wrong]
    return 1 if wrong or not alive else 0


def _settings(workers: int, deadline_s: float) -> dict[str, object]:
    return {
        "codec": {"workers": workers, "deadline_s": deadline_s, "queue_s": 600},
        "cache": {"disk": {"max_bytes": 1 << 30}},
        "buckets": {"test-1250000000": {"error_ttl_s": 0}},
    }


def _questions(files: dict[str, Path], operations: str) -> Iterator[tuple[str, str, str]]:
    """The file's name, the kind of operation, and the target."""
    for key, path in files.items():
        named = {"mark": encode_text(f"{HOST}/{key}"), "turned": encode_text(f"{HOST}/{key}?imageMogr2/rotate/45")}
        for kinds, target in ((attacks.ON_THE_FILE, key), (attacks.MARKS, "good.jpg")):
            for kind, text in kinds.items():
                if fnmatch.fnmatch(kind, operations):
                    yield f"{path.parent.name}/{path.name}", kind, f"/{target}?{text.format(**named)}"


def _ask(server: Mogr, file: str, kind: str, target: str, deadline_s: float) -> Answer:
    began_s = time.monotonic()
    try:
        answer = server.get(target, Accept=CHROME)
    except httpx.HTTPError as error:
        return Answer(file, kind, 0, time.monotonic() - began_s, f"no answer: {type(error).__name__}")
    seconds = time.monotonic() - began_s
    return Answer(file, kind, answer.status_code, seconds, _wrong(answer, seconds, 4 * deadline_s + GRACE_S))


def _noted(answer: Answer, number: int, of: int) -> Answer:
    """Says how far we are, now and then, and at once what is wrong."""
    if answer.wrong or number % 500 == 0:
        print(f"{number}/{of} {answer.file} {answer.operation} {answer.wrong}", file=sys.stderr, flush=True)
    return answer


def _wrong(answer: httpx.Response, seconds: float, most_s: float) -> str:
    if seconds > most_s:
        return f"{seconds:.1f} s"
    media_type = answer.headers.get("content-type", "")
    if answer.status_code == 200 and (media_type == "image/svg+xml" or answer.headers.get("x-slimflag") == "0"):
        # The original as it is, whatever it is.
        safe = "sandbox" in answer.headers.get("content-security-policy", "") or media_type.startswith("application/")
        return "" if safe else f"{media_type} that may run scripts"
    if answer.status_code == 200:
        name = sniff(answer.content)
        told = "image/" + media_type.removeprefix("image/").partition(";")[0]
        shown = name is not None and name in CATALOGUE and told in CATALOGUE[name].accept_types
        shown = shown or (name in ("png", "apng") and told in ("image/png", "image/apng"))
        return "" if shown or not media_type.startswith("image/") else f"{name} sent as {media_type}"
    if answer.status_code != 504 and not 400 <= answer.status_code < 500:
        return f"{answer.status_code}: {answer.text[:200]}"
    return "" if re.search(rb"<Code>\w+</Code>", answer.content) else "an error without CI's XML"


@contextlib.contextmanager
def _watched(server: Mogr, memory: Memory) -> Iterator[None]:
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            memory.look(server.codec_pids())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _lost(server: Mogr) -> dict[str, int]:
    text = httpx.get(server.admin_url + "/metrics", trust_env=False).text
    found = re.findall(r'^mogr_codec_restarts_total\{[^}]*reason="(\w+)"[^}]*\} (\d+)', text, re.MULTILINE)
    return {reason: int(number) for reason, number in found if int(number)}


def _show(answers: list[Answer], memory: Memory, lost: dict[str, int], files: int, took_s: float) -> None:
    print(f"{files} files, {len(answers)} requests in {took_s:.0f} s")
    print("statuses:", dict(sorted(Counter(answer.status for answer in answers).items())))
    print(
        f"codec processes: at most {memory.resident_bytes / 1e6:.0f} MB resident, "
        f"{memory.address_space_bytes / 1e6:.0f} MB of address space; ended: {lost or 'none'}"
    )
    print("slowest:")
    for answer in sorted(answers, key=lambda each: -each.seconds)[:10]:
        print(f"  {answer.seconds:6.1f} s  {answer.status}  {answer.operation:20}  {answer.file}")
    late = [answer for answer in answers if answer.status == 504]
    for file, kinds in sorted(Counter(answer.file for answer in late).items()):
        print(f"past the deadline: {file}, {kinds} kinds of operation")
    wrong = [answer for answer in answers if answer.wrong]
    print(f"wrong: {len(wrong)}")
    for answer in wrong[:60]:
        print(f"  {answer.file}, {answer.operation}: {answer.wrong}")


def _kibibytes(status: str, field: str) -> int:
    found = re.search(rf"^{field}:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


if __name__ == "__main__":
    sys.exit(main())
