"""``mogr convert``: one picture through the same core as the server's, in this process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
from pathlib import Path

from proxy.codec.inline import InlineCodec
from proxy.core.grammar import format_plan, parse_plan
from proxy.core.model import ImageLimits, Preset
from proxy.core.plan import Plan
from proxy.core.query import split_query
from proxy.core.reports import REPORTS
from proxy.errors import MogrError
from proxy.formats import CATALOGUE, by_suffix
from proxy.ports import Job, Rendered


class _Refusal(Exception):
    """Nothing was written; the text is the line that says why."""


def run(source: Path, target: Path, operation: str, preset: Preset) -> int:
    """Convert *source* to *target*; one line about the result, or one on standard error about the problem, and 1."""
    try:
        plan = _plan(operation)
        output = _output(plan, target)
        limits = ImageLimits()
        rendered = _render(_read(source, limits), plan, output, limits, preset)
        _write(target, rendered.body)
    except MogrError as error:
        return _fail(f"{source}: {error.public}")
    except _Refusal as refusal:
        return _fail(str(refusal))
    frame = rendered.frame
    frames = f" x {frame.frames} frames" if frame.animated else ""
    print(f"{target}: {rendered.format}, {frame.width_px} x {frame.height_px} px{frames}, {len(rendered.body)} bytes")
    return 0


def _fail(line: str) -> int:
    print(f"mogr: {line}", file=sys.stderr)
    return 1


def _plan(operation: str) -> Plan:
    try:
        text = split_query(operation.removeprefix("?").encode("utf-8", "surrogateescape")).operation
        if text is None:
            raise _Refusal(f"{operation!r} is no operation; expected imageMogr2/… as in a URL")
        plan = parse_plan(text)
    except MogrError as error:
        raise _Refusal(error.public) from None
    if plan.needs:
        raise _Refusal("a watermark takes its image from a bucket, and here is none")
    return plan


def _output(plan: Plan, target: Path) -> str:
    """The format to write, or the form that a report comes in.

    Raises:
        _Refusal: the suffix of *target* names none, or another one than the plan.
    """
    if plan.report is not None:
        form = REPORTS[plan.report.name].answers
        if target.suffix != f".{form}":
            raise _Refusal(f"{target}: {plan.report.name} answers {form}; expected the suffix .{form}")
        return form
    named = by_suffix(target.suffix)
    if named is None or not named.spellings:
        suffixes = " ".join(format_.suffixes[0] for format_ in CATALOGUE.values() if format_.spellings)
        raise _Refusal(f"{target}: the suffix {target.suffix!r} names no format to write; expected one of {suffixes}")
    if plan.format not in (None, "auto", named.name):
        raise _Refusal(f"{target}: the suffix means {named.name}, but the operation asks for {plan.format}")
    return named.name


def _read(source: Path, limits: ImageLimits) -> bytes:
    try:
        with source.open("rb") as file:
            # one byte more than allowed is enough to be refused
            return file.read(limits.max_source_bytes + 1)
    except OSError as error:
        raise _Refusal(f"{source}: cannot be read: {os.strerror(error.errno or 0).lower()}") from None


def _render(body: bytes, plan: Plan, output: str, limits: ImageLimits, preset: Preset) -> Rendered:
    codec = InlineCodec()
    job = Job(
        plan_text=format_plan(plan),
        format=output,
        limits=limits,
        auto=plan.format == "auto",
        preset=preset,
        tune="search",
    )

    async def work() -> Rendered:
        return await codec.render(body, await codec.probe(body, limits), job)

    try:
        return asyncio.run(work())
    finally:
        codec.close()


def _write(target: Path, body: bytes) -> None:
    """Write *target* whole or not at all."""
    try:
        if target.exists() and not target.is_file():  # a pipe, a terminal: nothing that could be replaced
            target.write_bytes(body)
            return
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(body)
            Path(name).chmod(0o666 & ~_umask())
            Path(name).replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise _Refusal(f"{target}: cannot be written: {os.strerror(error.errno or 0).lower()}") from None


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
