from __future__ import annotations

import pytest
from fakes import FakeCodec, TallyMeter

from proxy.core.codes import Code
from proxy.core.model import ImageLimits, Traits
from proxy.errors import InvalidArgument, Overloaded
from proxy.ports import Job
from proxy.service.drawing import Drawing

CODE = Code("barcode", "123456789012", 300)


class Draughtsman(FakeCodec):
    """Remembers what it was asked to draw."""

    async def render(self, body, traits, job, *, bucket="", on_started=None):
        self.asked: tuple[bytes, Traits, Job] = body, traits, job
        return await super().render(b"PIC" + body, traits, job, on_started=on_started)


async def test_text_goes_to_the_codec_as_a_source_of_the_size_asked() -> None:
    codec = Draughtsman()
    assert await Drawing(codec, TallyMeter()).png(CODE, ImageLimits())
    body, traits, job = codec.asked
    assert (body, traits.format, job.format) == (b"123456789012", "barcode", "png")
    assert (traits.frame.width_px, traits.frame.height_px) == (300, 150)


@pytest.mark.parametrize(("error", "overloads"), [(Overloaded(), 1), (InvalidArgument(), 0)])
async def test_a_refusal_is_counted_and_passed_on(error, overloads: int) -> None:
    class Counting(TallyMeter):
        overloads = 0

        def overloaded(self) -> None:
            self.overloads += 1

    class Refusing(FakeCodec):
        async def render(self, body, traits, job, *, bucket="", on_started=None):
            raise error

    meter = Counting()
    with pytest.raises(type(error)):
        await Drawing(Refusing(), meter).png(CODE, ImageLimits())
    assert (meter.failures, meter.overloads) == ([type(error).__name__], overloads)
