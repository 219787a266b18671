"""A format is told by its first bytes."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import animated, encoded, jpeg, png, scene

from proxy.codec.sniff import sniff

_HEIF = b"\x00\x00\x00\x18ftyp"


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (jpeg(16, 16), "jpeg"),
        (png(16, 16), "png"),
        (animated(16, 16, 2), "gif"),
        (animated(16, 16, 2, "WEBP"), "webp"),
        (encoded(scene(16, 16), "TIFF"), "tiff"),
        (encoded(scene(16, 16), "BMP"), "bmp"),
        (encoded(scene(16, 16), "ICO"), "ico"),
        (encoded(scene(16, 16), "AVIF"), "avif"),
        (b"MM\x00+" + bytes(12), "tiff"),
        (_HEIF + b"avif\0\0\0\0mif1miaf", "avif"),
        (_HEIF + b"avis\0\0\0\0msf1miaf", "avif"),
        (_HEIF + b"heic\0\0\0\0mif1heic", "heif"),
        (_HEIF + b"mif1\0\0\0\0mif1avif", "avif"),
        (_HEIF + b"mif1\0\0\0\0mif1heix", "heif"),
        (_HEIF + b"msf1\0\0\0\0isomiso8", "heif"),
        (_HEIF + b"isom\0\0\0\0mp41mp42", None),
        (b"\xff\x0a" + bytes(8), "jxl"),
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "jp2"),
        (b"TPG AVS2B\x00\x00\x01\xb9", "tpg"),
        (b"TPG is how this text starts", None),
        (b'\xef\xbb\xbf<?xml version="1.0"?><!-- c --><svg xmlns="x">', "svg"),
        (b"<s:svg xmlns:s='x'/>", "svg"),
        ('<?xml version="1.0" encoding="UTF-16"?><svg/>'.encode("utf-16"), "svg"),
        ("<!-- --><svg/>".encode("utf-16-be"), "svg"),
        (gzip.compress(b"<!-- c --> <svg/>"), "svg"),
        (b'<!DOCTYPE svg [<!ENTITY a "]>"><!-- \' ]> -->]><svg/>', "svg"),
        (b"<!--" + b" " * 70_000 + b"--><svg/>", "svg"),
        (b"<!--" + b" " * 300_000 + b"--><svg/>", None),
        (b"<!DOCTYPE html><html><svg>", None),
        (b"<html><!-- --><svg/></html>", None),
        (b"<svgs/>", None),
        (b"<!-- <svg>", None),
        (b"<!DOCTYPE svg [<svg>", None),
        (gzip.compress(b"<html/>"), None),
        (gzip.compress(b"<svg/>")[:12], None),
        (b"<!DOCTYPE html><html>", None),
        (b"BM is how this text starts", None),
        (b"PK\x03\x04", None),
        (b"\x1f\x8b\x08", None),
        (b"\xff", None),
        (b"", None),
    ],
    ids=range(41),
)
def test_magic_bytes_name_a_format(body: bytes, name: str | None) -> None:
    assert sniff(body) == name
    assert sniff(memoryview(body)) == name


@given(st.binary(max_size=64))
def test_any_bytes_are_something_or_nothing(body: bytes) -> None:
    sniff(body)


def test_every_picture_we_know_is_what_the_manifest_says(needs_shared: Callable[[str], Path]) -> None:
    folder = needs_shared("images/MANIFEST.csv").parent
    with (folder / "MANIFEST.csv").open(newline="") as rows:
        wrong = [
            row["path"]
            for row in csv.DictReader(rows)
            if not row["path"].startswith("hostile/")
            and row["format"] not in ("unknown", "pdf", "j2k")
            and sniff(_head(folder / row["path"])) != row["format"].replace("svgz", "svg")
            and not (row["path"].startswith("formats/apng/") and sniff(_head(folder / row["path"])) == "apng")
        ]
    assert not wrong


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4096)
