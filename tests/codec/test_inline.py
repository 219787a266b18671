"""The codec without processes keeps the port's promises as far as a thread can."""

from __future__ import annotations

import asyncio

import pytest

from proxy.codec.inline import InlineCodec
from proxy.core.model import Frame, ImageLimits, Traits
from proxy.errors import InternalError, InvalidArgument, InvalidImageFormat, MogrError
from proxy.ports import Codec, Job, Rendered

LIMITS = ImageLimits()
TRAITS = Traits(format="png", frame=Frame(width_px=1, height_px=2))
JOB = Job(plan_text="imageMogr2", format="webp", limits=LIMITS)


class Pixels:
    def __init__(self, raised: Exception | None = None) -> None:
        self._raised = raised

    def probe(self, body: bytes, limits: ImageLimits) -> Traits:
        return TRAITS

    def render(self, body: bytes, traits: Traits, job: Job) -> Rendered:
        if self._raised is not None:
            raise self._raised
        return Rendered(body=body * 2, format=job.format, frame=traits.frame)

    def capabilities(self) -> object:
        return None


async def test_it_probes_and_renders() -> None:
    inline = InlineCodec(Pixels)
    codec: Codec = inline
    started = asyncio.Event()
    assert await codec.probe(b"x", LIMITS) == TRAITS
    assert (await codec.render(b"x", TRAITS, JOB, on_started=started.set)).body == b"xx"
    await asyncio.wait_for(started.wait(), 5)
    await asyncio.to_thread(inline.close)


@pytest.mark.parametrize(
    ("raised", "expected"),
    [(InvalidArgument(), InvalidArgument), (MemoryError(), InvalidImageFormat), (RuntimeError("x"), InternalError)],
    ids=repr,
)
async def test_every_failure_is_one_of_ours(raised: Exception, expected: type[MogrError]) -> None:
    codec = InlineCodec(lambda: Pixels(raised))
    with pytest.raises(expected):
        await codec.render(b"x", TRAITS, JOB)
    await asyncio.to_thread(codec.close)


async def test_it_makes_a_real_picture() -> None:
    pyvips = pytest.importorskip("pyvips")
    source = pyvips.Image.black(40, 20, bands=3).copy(interpretation="srgb").pngsave_buffer()
    codec = InlineCodec()
    traits = await codec.probe(source, LIMITS)
    job = Job(plan_text="imageMogr2/thumbnail/20x", format="webp", limits=LIMITS)
    rendered = await codec.render(source, traits, job)
    await asyncio.to_thread(codec.close)
    assert (rendered.format, rendered.frame.width_px, rendered.frame.height_px) == ("webp", 20, 10)
    assert rendered.body[8:12] == b"WEBP"
