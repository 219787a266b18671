from __future__ import annotations

import base64
from xml.etree import ElementTree as ET

import pytest
from pictures import animated, encoded, jpeg, opened, scene
from PIL import Image
from reporting import answer

from proxy.codec import codes, vips
from proxy.core.codes import BARCODE, QR, Code
from proxy.core.model import ImageLimits, Traits
from proxy.errors import InvalidArgument, OperationNotImplemented
from proxy.ports import Job

pytestmark = pytest.mark.skipif(codes.zxing is None, reason="zxing-cpp is not installed")
TEXT = "https://example.com/?a=<b>&c=你好"


def drawn(code: Code) -> bytes:
    traits = Traits(format=code.kind, frame=code.frame)
    job = Job(plan_text="imageMogr2", format="png", limits=ImageLimits())
    return vips.render(code.text.encode(), traits, job).body


def asked(body: bytes, operation: str = "QRcode") -> ET.Element:
    root = ET.fromstring(answer(body, operation))
    assert root.tag == "Response"
    return root


def texts(root: ET.Element) -> list[str | None]:
    return sorted(each.findtext("CodeUrl") or "" for each in root.findall("QRcodeInfo"))


def poster(*, format_: str = "JPEG", **options: object) -> bytes:
    """A photograph with a turned QR code and a bar code."""
    picture = scene(900, 600)
    qr = opened(drawn(Code(QR, TEXT, 200))).convert("RGBA").rotate(30, expand=True, resample=Image.Resampling.BICUBIC)
    picture.paste(qr, (100, 100), qr)
    picture.paste(opened(drawn(Code(BARCODE, "123456789012", 240))).convert("RGB"), (550, 350))
    return encoded(picture, format_, **options)


@pytest.mark.parametrize(
    "code",
    [
        Code(QR, TEXT, 200), Code(QR, "a", 29), Code(QR, "a", 333), Code(QR, "0" * 2900, 400), Code(QR, "x" * 2953, 185),
        Code(BARCODE, "123456789012", 117), Code(BARCODE, "000000000000", 500),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_drawn_has_its_size_and_can_be_read(code: Code) -> None:
    body = drawn(code)
    picture = opened(body)
    assert picture.size == (code.width_px, code.height_px)
    assert picture.convert("L").getcolors(3) is not None, "black and white alone"
    (read,) = texts(asked(body))
    assert read is not None
    assert read.startswith(code.text)


@pytest.mark.parametrize(
    ("code", "named"),
    [
        (Code(QR, "a", 28), "width"),
        (Code(BARCODE, "123456789012", 116), "width"),
        (Code(QR, "é" * 1476 + "aa", 2000), ""),
    ],
)
def test_a_code_that_does_not_fit_says_what_would(code: Code, named: str) -> None:
    if not named:
        assert drawn(code)  # the largest text there is
        return
    with pytest.raises(InvalidArgument, match=f"{named}: .* at least"):
        drawn(code)


def test_codes_in_a_photograph_are_found_read_and_placed() -> None:
    root = asked(poster())
    assert root.findtext("CodeStatus") == "1"
    assert texts(root) == ["1234567890128", TEXT]
    for info in root.findall("QRcodeInfo"):
        points = [tuple(map(int, (point.text or "").split(","))) for point in info.findall("CodeLocation/Point")]
        assert len(points) == 4
        assert all(0 <= x < 900 and 0 <= y < 600 for x, y in points)
    assert root.find("ResultImage") is None


@pytest.mark.parametrize(("kind", "found"), [(0, ["1234567890128", TEXT]), (1, [TEXT]), (2, ["1234567890128"])])
def test_bar_type_chooses(kind: int, found: list[str]) -> None:
    assert texts(asked(poster(), f"QRcode/bar-type/{kind}")) == found


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_a_covered_code_can_be_read_no_more_and_the_rest_is_as_it_was(format_: str) -> None:
    body = poster(format_=format_)
    root = asked(body, "QRcode/cover/1")
    assert len(root.findall("QRcodeInfo")) == 2
    covered = base64.b64decode(root.findtext("ResultImage") or "")
    before, after = opened(body), opened(covered)
    assert (after.format, after.size) == (format_, (900, 600))
    assert asked(covered).findtext("CodeStatus") == "0"
    corner = (0, 0, 80, 80)
    difference = [abs(a - b) for a, b in zip(
        before.convert("RGB").crop(corner).tobytes(), after.convert("RGB").crop(corner).tobytes(), strict=True)]  # fmt: skip
    assert sum(difference) / len(difference) < 3


@pytest.mark.parametrize("body", [jpeg(), animated()])
def test_without_a_code_the_status_is_0_and_the_picture_what_it_was(body: bytes) -> None:
    root = asked(body, "QRcode/cover/1")
    assert root.findtext("CodeStatus") == "0"
    assert not root.findall("QRcodeInfo")
    assert base64.b64decode(root.findtext("ResultImage") or "") == body


def test_a_code_over_the_edge_is_covered_as_far_as_there_is_picture() -> None:
    code = drawn(Code(QR, "a", 29))
    root = asked(code, "QRcode/cover/1")
    assert opened(base64.b64decode(root.findtext("ResultImage") or "")).size == (29, 29)


def test_codes_of_a_very_large_picture_are_placed_in_its_own_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = scene(900, 600)
    picture.paste(opened(drawn(Code(QR, TEXT, 400))).convert("RGB"), (150, 120))
    body = encoded(picture, "PNG")
    plain = [point.text or "" for point in asked(body).iter("Point")]
    monkeypatch.setattr("proxy.codec.reports.qr_codes._MOST_PX", 100_000)
    reduced = [point.text or "" for point in asked(body).iter("Point")]
    assert len(plain) == len(reduced) == 4
    for one, other in zip(plain, reduced, strict=True):
        assert all(abs(int(a) - int(b)) <= 6 for a, b in zip(one.split(","), other.split(","), strict=True))


def test_without_the_library_codes_are_not_implemented(monkeypatch: pytest.MonkeyPatch) -> None:
    body = drawn(Code(QR, "a", 100))
    monkeypatch.setattr(codes, "zxing", None)
    with pytest.raises(OperationNotImplemented, match="QR codes"):
        answer(body, "QRcode")
    with pytest.raises(OperationNotImplemented):
        drawn(Code(QR, "a", 100))
