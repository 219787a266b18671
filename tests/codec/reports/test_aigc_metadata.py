from __future__ import annotations

import base64

import pytest
from pictures import encoded, jpeg, scene
from reporting import said

from proxy.codec import aigc

LABEL = {"Label": "1", "ContentProducer": "测试", "ProduceID": "a<b>&c"}


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_a_label_in_a_file_is_read(format_: str) -> None:
    options = {"xmp": aigc.write(LABEL)}
    if format_ == "PNG":
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", aigc.write(LABEL).decode())
        options = {"pnginfo": info}  # type: ignore[dict-item]
    found = said(encoded(scene(64, 48), format_, **options), "imageAIGCMetadata")
    assert found.keys() == {"AIGC"}
    assert found["AIGC"].items() >= LABEL.items()


@pytest.mark.parametrize(
    "body",
    [
        jpeg(64, 48),
        encoded(scene(64, 48), "GIF"),
        encoded(scene(64, 48), "JPEG", xmp=b"<x:xmpmeta AIGC"),
        encoded(scene(64, 48), "JPEG", xmp=b"AIGC \xff\xfe no XML"),
    ],
)
def test_without_a_label_the_answer_is_an_empty_object(body: bytes) -> None:
    assert said(body, "imageAIGCMetadata") == {}


def test_what_one_stage_writes_the_report_behind_it_reads() -> None:
    text = base64.urlsafe_b64encode(b"made by a machine").decode().rstrip("=")
    label = said(
        jpeg(64, 48), f"imageMogr2/thumbnail/32x/AIGCMetadata/Label/MQ/ContentProducer/{text}|imageAIGCMetadata"
    )
    assert label["AIGC"].items() >= {"Label": "1", "ContentProducer": "made by a machine"}.items()
