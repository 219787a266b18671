"""AVS2 streams are cut where pictures begin, and their sequence headers are read as the standard has them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.codec import avs2_stream
from proxy.errors import InvalidImageFormat

STILL = bytes.fromhex("000001b0204283c0088122000004003000015cae080d")
"""Of Tencent's ``tpg.jpg``: 960 x 544, one empty set of references."""
WITH_ALPHA = bytes.fromhex("000001b020428e58206122000004003000019ca6088243d0")
"""Of Tencent's ``test1.tpg``: 3672 x 2072, a set of references to a picture that there is not."""
OURS = bytes.fromhex("000001b0204a83c0086122604e24003000019ffe2602292690b808431444e0218e590b80884184c840")
"""By xavs2: 960 x 536, four sets."""
SLICE = b"\x00\x00\x01\x00\x05"
INTRA, INTER = b"\x00\x00\x01\xb3\x01\x02" + SLICE, b"\x00\x00\x01\xb6\x03" + SLICE


@pytest.mark.parametrize(
    ("header", "size_px", "references"),
    [(STILL, (960, 544), 1), (WITH_ALPHA, (3672, 2072), 1), (OURS, (960, 536), 4)],
)
def test_a_header_says_its_size(header: bytes, size_px: tuple[int, int], references: int) -> None:
    said = avs2_stream.read_header(header)
    assert ((said.width_px, said.height_px), said.references) == (size_px, references)


@pytest.mark.parametrize("header", [STILL, WITH_ALPHA, OURS])
def test_references_are_emptied_and_all_else_stays(header: bytes) -> None:
    emptied = avs2_stream.without_references(header)
    before, after = avs2_stream.read_header(header), avs2_stream.read_header(emptied)
    assert (after.width_px, after.height_px, after.references) == (
        before.width_px,
        before.height_px,
        before.references,
    )
    assert after.references_end - after.references_at == 8 * after.references
    bits, left = (f"{int.from_bytes(each, 'big'):0{8 * len(each)}b}" for each in (header, emptied))
    shift = before.references_end - after.references_end
    start, end = 32 + before.references_at, 32 + before.references_end
    assert left[:start] == bits[:start]
    # Some zeros may be left of the padding.
    assert left[32 + after.references_end :].startswith(bits[end:])
    assert len(left) - len(bits) + shift < 8


def test_a_stream_is_cut_into_its_pictures() -> None:
    user_data = b"\x00\x00\x01\xb2abc"
    pictures = [INTRA, INTER, INTER + b"\x00\x00\x01\x01more"]
    assert avs2_stream.cut(STILL + user_data + b"".join(pictures) + avs2_stream.END) == (STILL, pictures)


@pytest.mark.parametrize("stream", [b"", b"nothing", INTRA, b"\0" + STILL + INTRA])
def test_a_stream_begins_with_its_header(stream: bytes) -> None:
    with pytest.raises(InvalidImageFormat):
        avs2_stream.cut(stream)


def test_still_pictures_are_played_without_references_and_followed_by_a_header() -> None:
    stream, *size_px = avs2_stream.playable([WITH_ALPHA + INTRA, INTRA + avs2_stream.END])
    emptied = avs2_stream.without_references(WITH_ALPHA)
    assert stream == emptied + INTRA + INTRA + avs2_stream.END + emptied
    assert size_px == [3672, 2072]


def test_moving_pictures_keep_their_references() -> None:
    stream, *_ = avs2_stream.playable([WITH_ALPHA + INTRA, INTER])
    assert stream == WITH_ALPHA + INTRA + INTER + avs2_stream.END + WITH_ALPHA


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [b""],
        [INTRA],
        [STILL],
        [STILL + INTRA + INTRA],
        [STILL + INTRA, b""],
        [STILL + INTRA, OURS + INTRA],
        [INTRA + STILL + INTRA],
        [b"\x00\x00\x01\xb0" + INTRA],
        [STILL[:12] + INTRA],
        [STILL + 30_000 * INTRA],
        [STILL + INTRA.removesuffix(SLICE), INTRA],
    ],
)
def test_what_is_not_one_picture_a_piece_of_one_size_is_refused(pieces: list[bytes]) -> None:
    with pytest.raises(InvalidImageFormat):
        avs2_stream.playable(pieces)


@pytest.mark.parametrize(
    ("at", "value"),
    [(4, 0x22), (10, 0x00), (6, 0x80)],
    ids=["ten bits", "no chroma", "not sixteen pixels"],
)
def test_what_the_decoder_would_treat_otherwise_is_refused(at: int, value: int) -> None:
    header = bytearray(STILL)
    header[at] = value
    if at == 6:
        header[7] = 8
    with pytest.raises(InvalidImageFormat):
        avs2_stream.read_header(bytes(header))


@given(st.lists(st.binary(max_size=60).map(lambda rest: STILL[:4] + rest) | st.binary(max_size=60), max_size=3))
def test_any_pieces_are_played_or_refused(pieces: list[bytes]) -> None:
    try:
        avs2_stream.playable(pieces)
    except InvalidImageFormat:
        return
