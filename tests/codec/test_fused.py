"""A pipe is one decoding, one painting and one encoding, however many stages it has and whatever formats they name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
import pyvips
from pictures import animated, jpeg, opened

from proxy.codec import vips
from proxy.core.model import ImageLimits
from proxy.ports import Job

LIMITS = ImageLimits()
STAGES = (
    "imageMogr2/thumbnail/!90p", "imageMogr2/rotate/90/format/png", "imageMogr2/flip/vertical/quality/30!", "imageMogr2/bright/5",
    "imageMogr2/contrast/5/format/bmp", "imageMogr2/blur/3x1", "watermark/2/text/aGk", "imageView2/1/w/60/h/60", "imageMogr2/trim/10",
    "imageMogr2/sharpen/50/quality/90!",
)  # fmt: skip


def _counting(name: str, counted: Counter[str]) -> Callable[..., object]:
    real = getattr(vips, name)

    def call(*arguments: object, **options: object) -> object:
        counted[name] += 1
        return real(*arguments, **options)

    return call


@pytest.mark.parametrize("stages", [1, 2, 5, 10])
@pytest.mark.parametrize(
    ("body", "format_"), [(jpeg(), "jpeg"), (animated(120, 90), "webp")], ids=["still", "animated"]
)
def test_each_step_is_taken_once(stages: int, body: bytes, format_: str, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: Counter[str] = Counter()
    for name in ("decode", "finish"):
        monkeypatch.setattr(vips, name, _counting(name, counted))
    job = Job(plan_text="|".join(STAGES[-stages:]), format=format_, limits=LIMITS)
    made = vips.render(body, vips.probe(body, LIMITS), job)
    assert counted == {"decode": 1, "finish": 1}
    assert opened(made.body).size == (made.frame.width_px, made.frame.height_px)


def test_ten_stages_lose_nothing_between_them() -> None:
    """Ten encodings at quality 30 leave blocks; one, at the last stage's quality, hardly differs from the pixels turned by hand."""
    body = jpeg(320, 200, quality=95)
    pipe = "|".join(["imageMogr2/flip/vertical/quality/30!"] * 9 + ["imageMogr2/flip/horizontal/quality/95!"])
    made = vips.render(body, vips.probe(body, LIMITS), Job(plan_text=pipe, format="jpeg", limits=LIMITS))
    by_hand = pyvips.Image.jpegload_buffer(body).flipver().fliphor()
    apart = (pyvips.Image.jpegload_buffer(made.body).cast("float") - by_hand.cast("float")).abs()
    assert apart.avg() < 1
