from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import animated, encoded, jpeg, png, scene
from reporting import said

from proxy.codec.reports.ends import end_of_picture

STREAM = (b"\x47\x40\x00\x10" + bytes(184)) * 12
MP4 = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + bytes(400)

PICTURES = {
    "jpeg": jpeg(64, 48), "progressive": encoded(scene(64, 48), "JPEG", progressive=True), "png": png(64, 48),
    "gif": encoded(scene(64, 48), "GIF"), "animated": animated(), "webp": encoded(scene(64, 48), "WEBP"),
    "lossless": encoded(scene(63, 47), "WEBP", lossless=True), "bmp": encoded(scene(63, 48), "BMP"),
    "avif": encoded(scene(64, 48), "AVIF"),
}  # fmt: skip


@pytest.mark.parametrize("body", PICTURES.values(), ids=PICTURES)
def test_a_picture_alone_hides_nothing(body: bytes) -> None:
    for padding in (b"", bytes(1000), b"\r\n", b"\xff" * 7):
        found = said(body + padding, "imageInspect")
        assert found["picSize"] == len(body) + len(padding)
        assert (found["suspicious"], found["suspiciousType"], found["suspiciousSize"]) == (False, "", 0)
        assert (found["suspiciousBeginByte"], found["suspiciousEndByte"]) == (0, 0)


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        (STREAM, "MPEG-TS"), (b"junk!" + STREAM, "MPEG-TS"), (MP4, "MP4"), (b"PK\x03\x04" + bytes(30), "ZIP"),
        (b"Rar!\x1a\x07\x01\x00", "RAR"), (b"%PDF-1.7\n", "PDF"), (b"\x7fELF\x02", "ELF"), (b"\n<?php eval(1);", "PHP"),
        (b"<script>alert(1)</script>", "HTML"), (b"GG" * 200, "unknown"), (b"nothing known", "unknown"),
        (png(9, 9), "PNG"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("body", PICTURES.values(), ids=PICTURES)
def test_what_is_appended_is_found_and_named(body: bytes, payload: bytes, kind: str) -> None:
    found = said(body + payload, "imageInspect")
    assert found["suspicious"] is True
    assert found["suspiciousBeginByte"] == len(body)
    assert found["suspiciousEndByte"] == len(body) + len(payload) - 1
    assert found["suspiciousSize"] == len(payload)
    assert found["suspiciousType"] == kind


@pytest.mark.parametrize(("name", "short"), [("jpeg", "jpg"), ("png", "png"), ("animated", "gif"), ("webp", "webp")])
def test_the_type_of_the_picture_is_what_files_end_in(name: str, short: str) -> None:
    assert said(PICTURES[name], "imageInspect")["picType"] == short


def test_the_previews_and_gain_maps_of_a_camera_belong_to_the_picture() -> None:
    assert said(jpeg(64, 48) + jpeg(32, 24) + bytes(16) + jpeg(16, 12), "imageInspect")["suspicious"] is False
    found = said(jpeg(64, 48) + jpeg(32, 24) + STREAM, "imageInspect")
    assert (found["suspiciousType"], found["suspiciousSize"]) == ("MPEG-TS", len(STREAM))


def test_a_bitmap_that_counts_the_payload_as_its_own_does_not_hide_it() -> None:
    body = PICTURES["bmp"]
    whole = body[:2] + (len(body) + len(STREAM)).to_bytes(4, "little") + body[6:] + STREAM
    assert said(whole, "imageInspect")["suspiciousBeginByte"] == len(body)


def test_after_a_pipe_nothing_is_left_of_it() -> None:
    assert said(jpeg(64, 48) + STREAM, "imageMogr2/thumbnail/32x|imageInspect")["suspicious"] is False


@settings(max_examples=150)
@given(name=st.sampled_from(sorted(PICTURES)), cut=st.integers(0, 4000), noise=st.binary(max_size=64))
def test_damage_never_ends_a_picture_outside_of_its_file(name: str, cut: int, noise: bytes) -> None:
    format_ = {"progressive": "jpeg", "animated": "gif", "lossless": "webp"}.get(name, name)
    body = PICTURES[name]
    damaged = body[:cut] + noise + body[cut + len(noise) :]
    if len(damaged) < 40:
        return
    end = end_of_picture(format_, damaged)
    assert end is None or 0 < end <= len(damaged)
