from __future__ import annotations

import pytest

from proxy.core.codes import BARCODE, QR, Code, parse_code
from proxy.core.query import split_query
from proxy.errors import InvalidArgument


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (
            "qrcode-content=https%3A%2F%2Fexample.com%2F%3Fa%3Db&mode=0&width=200",
            Code(QR, "https://example.com/?a=b", 200),
        ),
        ("width=200&qrcode-content=a+b%2Bc", Code(QR, "a b+c", 200)),  # as both SDKs write a space and a plus
        ("qrcode-content=%E4%BD%A0%E5%A5%BD&width=2000", Code(QR, "你好", 2000)),
        ("qrcode-content=123456789012&mode=1&width=300", Code(BARCODE, "123456789012", 300)),
    ],
)
def test_codes_are_read_as_forms_write_them(query: str, code: Code) -> None:
    asked = split_query(f"ci-process=qrcode-generate&{query}".encode())
    assert asked.process == "qrcode-generate"
    assert parse_code(asked.arguments) == code


def test_a_bar_code_is_wider_than_high() -> None:
    assert (Code(QR, "a", 301).frame.height_px, Code(BARCODE, "a", 301).frame.height_px) == (301, 150)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({}, "qrcode-content"),
        ({"qrcode-content": "", "width": "200"}, "qrcode-content"),
        ({"qrcode-content": "a" * 2954, "width": "200"}, "qrcode-content"),
        ({"qrcode-content": "é" * 1477, "width": "200"}, "qrcode-content"),
        ({"qrcode-content": "12345678901", "mode": "1", "width": "200"}, "qrcode-content"),
        ({"qrcode-content": "١٢٣٤٥٦٧٨٩٠١٢", "mode": "1", "width": "200"}, "qrcode-content"),
        ({"qrcode-content": "a", "mode": "2", "width": "200"}, "mode"),
        ({"qrcode-content": "a", "mode": "", "width": "200"}, "mode"),
        *(
            ({"qrcode-content": "a", "width": width}, "width")
            for width in ("", "0", "-5", "2001", "1e2", "9" * 30, "px")
        ),
        ({"qrcode-content": "a"}, "width"),
    ],
)
def test_what_is_wrong_is_named(arguments: dict[str, str], named: str) -> None:
    with pytest.raises(InvalidArgument) as failure:
        parse_code(arguments)
    assert failure.value.public.startswith(f"{named}: ")
