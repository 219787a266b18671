"""Fuzz the grammar: hostile query strings through splitting, styles, parsing, formatting and the measuring of sizes.

    make fuzz
    make fuzz FUZZ="--seconds 600 --seed 7"

With atheris (``.venv/bin/python -m pip install atheris``, Linux; it is in no lock file) inputs are guided by the coverage of
``proxy``; without it they come from a structured generator alone, which the guided run mutates with as well.  Failures are made
smaller, printed as bytes once per kind, and tried again by

    echo "b'...'" | .venv/bin/python bench/fuzz/grammar.py --case

Exits with 1 if any law of ``laws`` was broken.  ``edge.py`` (``make fuzz-edge``) sends what is made here to a running server.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_SHRINKING_S = 5.0


@dataclass
class Run:
    """What was tried so far.  *guided*: calls are slowed down by what measures coverage."""

    laws: Any
    guided: bool
    executions: int = 0
    plans: int = 0
    began_s: float = field(default_factory=time.monotonic)
    failures: set[tuple[str, ...]] = field(default_factory=set)

    def try_one(self, data: bytes) -> None:
        """Checks *data*, and prints how it fails unless something did in the same way before."""
        self.executions += 1
        try:
            self.plans += self.laws.check(self.laws.Case.of(data))
        except self.laws.Broken as broken:
            if broken.kind in self.failures:
                return
            if broken.law == "time" and self.guided and not fails_alone(data):
                return
            self.failures.add(broken.kind)
            small = data if broken.law == "time" else self._shrunk(data, broken.kind)
            print(f"\nFAILURE {broken.law}: {describe(self.laws, small)}\n{small!r}", flush=True)

    def _shrunk(self, data: bytes, kind: tuple[str, ...]) -> bytes:
        """*data* without what it fails without; whole parts are dropped first, then bytes."""
        until_s = time.monotonic() + _SHRINKING_S
        size = len(data) // 2
        while size:
            at = 0
            while at < len(data) and time.monotonic() < until_s:
                shorter = data[:at] + data[at + size :]
                if at >= self.laws.PREFIX.size and self._fails_as(shorter, kind):
                    data = shorter
                else:
                    at += size if at >= self.laws.PREFIX.size else self.laws.PREFIX.size
            size //= 2
        plain = bytes(self.laws.PREFIX.size) + data[self.laws.PREFIX.size :]
        return plain if self._fails_as(plain, kind) else data

    def _fails_as(self, data: bytes, kind: tuple[str, ...]) -> bool:
        try:
            self.laws.check(self.laws.Case.of(data))
        except self.laws.Broken as broken:
            return bool(broken.kind == kind)
        return False

    def report(self) -> int:
        """Prints the sum; the exit status."""
        took_s = time.monotonic() - self.began_s
        how = "guided by coverage" if self.guided else "generated"
        print(
            f"\n{self.executions} executions in {took_s:.0f} s ({self.executions / took_s:.0f}/s, {how}), "
            f"{self.plans} plans, {len(self.failures)} kinds of failure",
            flush=True,
        )
        return 1 if self.failures else 0


def describe(laws: Any, data: bytes) -> str:
    """How *data* fails, with what escaped where; empty if it does not."""
    try:
        laws.check(laws.Case.of(data))
    except laws.Broken as broken:
        case = laws.Case.of(data)
        shown = case if len(data) < 2000 else replace(case, raw_query=case.raw_query[:60] + b"...")
        return f"{broken} {broken.kind[-1]}\n{shown}"
    return ""


def fails_alone(data: bytes) -> bool:
    """Whether *data* fails in a process that measures no coverage."""
    child = [sys.executable, __file__, "--case"]
    return subprocess.run(child, input=repr(data).encode(), cwd=ROOT, capture_output=True, check=False).returncode != 0


def generated(run: Run, inputs: Any, random: Random, seconds: float) -> int:
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        run.try_one(random.randbytes(run.laws.PREFIX.size) + inputs.query(random))
    return run.report()


def guided(run: Run, inputs: Any, atheris: Any, *, seed: int, seconds: float) -> None:
    """Does not return: libFuzzer has no way back, so the process ends from within."""
    prefix_bytes = run.laws.PREFIX.size
    random = Random(seed)
    until_s = time.monotonic() + seconds
    corpus = tempfile.TemporaryDirectory(prefix="fuzz-")
    seeds, words = Path(corpus.name) / "seeds", Path(corpus.name) / "words"
    seeds.mkdir()
    for number, example in enumerate(inputs.examples()):
        (seeds / str(number)).write_bytes(random.randbytes(prefix_bytes) + example.encode())
    entries = (*inputs.NAMES, *inputs.OPERATION_HEADS, *inputs.WORDS, *inputs.NUMBERS, *inputs.PIECES)
    escaped = ("".join(f"\\x{byte:02x}" for byte in entry.encode()) for entry in entries if entry)
    words.write_text("".join(f'"{entry}"\n' for entry in escaped))

    def one(data: bytes) -> None:
        if time.monotonic() >= until_s:
            status = run.report()
            corpus.cleanup()
            os._exit(status)
        run.try_one(data)

    def mutated(data: bytes, most_bytes: int, mutation_seed: int) -> bytes:
        """Half of them as libFuzzer mutates, the others with a query that means something in front or behind."""
        chooser = Random(mutation_seed)
        if chooser.random() < 0.5:
            return bytes(atheris.Mutate(data, most_bytes))
        head, query = data[:prefix_bytes].ljust(prefix_bytes, b"\0"), data[prefix_bytes:]
        if chooser.random() < 0.3:
            head = chooser.randbytes(prefix_bytes)
        made = inputs.query(chooser)
        cut = chooser.randint(0, len(query))
        query = chooser.choice((made, query[:cut] + made, made[: chooser.randint(0, len(made))] + query[cut:]))
        return bytes(head + query)[:most_bytes]

    options = {"dict": words, "seed": seed or 1, "max_len": inputs.MOST_BYTES, "timeout": 60, "print_final_stats": 0}
    flags = [f"-{name}={value}" for name, value in options.items()]
    atheris.Setup([sys.argv[0], *flags, "-verbosity=0", str(seeds)], one, custom_mutator=mutated)
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(description="Fuzz the grammar.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plain", action="store_true", help="the generator alone, even if atheris is installed")
    parser.add_argument("--case", action="store_true", help="check the one input whose repr is on standard input")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    atheris: Any = None
    if not options.plain and not options.case and importlib.util.find_spec("atheris"):
        atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["proxy"]) if atheris else contextlib.nullcontext():
        laws, inputs = importlib.import_module("laws"), importlib.import_module("inputs")
    if options.case:
        failure = describe(laws, ast.literal_eval(sys.stdin.read().strip()))
        print(failure or "holds")
        return 1 if failure else 0
    run = Run(laws, guided=atheris is not None)
    if atheris:
        guided(run, inputs, atheris, seed=options.seed, seconds=options.seconds)
    return generated(run, inputs, Random(options.seed), options.seconds)


if __name__ == "__main__":
    sys.exit(main())
