from __future__ import annotations

import pytest

from proxy.core.processes import process_operation
from proxy.core.query import split_query
from proxy.errors import InvalidArgument, OperationNotImplemented


def asked(query: str) -> str | None:
    found = split_query(query.encode())
    assert found.process is not None
    return process_operation(found.process, found.arguments)


@pytest.mark.parametrize(("query", "operation"), [
    ("ci-process=ImageInspect", "imageInspect"),
    ("ci-process=ImageAIGCMetadata", "imageAIGCMetadata"),
    ("ci-process=QRcode&cover=1&x=1", "QRcode/cover/1"),
    ("cover=0&ci-process=QRcode", "QRcode"),
    ("ci-process=originImage&cover=1", None),
])  # fmt: skip
def test_a_process_is_another_spelling_of_an_operation(query: str, operation: str | None) -> None:
    assert asked(query) == operation


@pytest.mark.parametrize("name", [
    "AssessQuality", "AISuperResolution", "AIEnhanceImage", "AIImageColoring", "AIImageCrop", "ImageRepair", "GoodsMatting",
    "AIPicMatting", "AIPortraitMatting", "detect-label", "DetectCar", "RecognizeLogo", "OCR", "sensitive-content-recognition",
])  # fmt: skip
def test_what_needs_a_model_says_so_and_which(name: str) -> None:
    with pytest.raises(OperationNotImplemented, match=f"^ci-process={name} is not implemented") as caught:
        asked(f"ci-process={name}")
    assert caught.value.status == 501


@pytest.mark.parametrize("query", [
    "ci-process=ImageCompress", "ci-process=ImageAttribute", "ci-process=", "ci-process=imageinspect", "ci-process=QRcode&cover=7",
    "ci-process=QRcode&cover=1|imageMogr2",
])  # fmt: skip
def test_what_is_no_process_of_ci_is_refused(query: str) -> None:
    with pytest.raises(InvalidArgument):
        asked(query)


def test_who_asks_for_no_process_is_told_which_there_are() -> None:
    with pytest.raises(InvalidArgument, match="originImage, ImageInspect, ImageAIGCMetadata, QRcode, qrcode-generate"):
        asked("ci-process=nonsense")
