"""A label goes into XMP and comes out as it was; what else stands in an XMP packet does no harm."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import animated, jpeg
from PIL import Image

from proxy.codec import aigc, libvips, pillow
from proxy.codec.vips import capabilities, probe, render
from proxy.core.grammar import format_plan, parse_plan
from proxy.core.labels import FIELDS
from proxy.core.model import ImageLimits
from proxy.errors import InvalidImageFormat
from proxy.ports import Job

LIMITS = ImageLimits()
TEXT = "imageMogr2/AIGCMetadata/Label/MQ==/ContentProducer/5YWs5Y-4PCYiPg"
SAID = {**dict.fromkeys(FIELDS, ""), "Label": "1", "ContentProducer": '公司<&">'}
HOLDING = [name for name in capabilities().encode if name not in ("gif", "bmp", "svg", "tpg")]


def labelled(text: str, format_: str, body: bytes | None = None) -> bytes:
    body = body or jpeg(64, 32)
    job = Job(plan_text=format_plan(parse_plan(text)), format=format_, limits=LIMITS)
    return render(body, probe(body, LIMITS), job).body


def packet(body: bytes, format_: str) -> bytes | None:
    """The XMP packet of a file; of a JPEG XL, its box."""
    if format_ == "heif":
        return pillow.heif.open_heif(body).info.get("xmp")
    if format_ == "jxl":
        at = body.find(b"xml ")
        size_bytes = int.from_bytes(body[at - 4 : at], "big")
        return body[at + 4 : at - 4 + size_bytes]
    return libvips.blob(libvips.load("png" if format_ == "apng" else format_, body), "xmp-data")


@pytest.mark.parametrize("format_", HOLDING)
def test_what_is_written_can_be_read(format_: str) -> None:
    found = packet(labelled(TEXT, format_), format_)
    assert found is not None
    assert aigc.read(found) == SAID


def test_another_reader_finds_it_too() -> None:
    for format_ in ("jpeg", "png", "webp"):
        info = Image.open(io.BytesIO(labelled(TEXT, format_))).info
        assert '"Label":"1"' in str(info.get("xmp") or info["XML:com.adobe.xmp"])


def test_strip_drops_what_was_there_and_not_what_is_asked_for() -> None:
    once = labelled(TEXT, "jpeg")
    again = labelled("imageMogr2/strip/AIGCMetadata/Label/Mg", "jpeg", once)
    assert (aigc.read(packet(again, "jpeg") or b"") or {})["Label"] == "2"
    assert packet(labelled("imageMogr2/strip", "jpeg", once), "jpeg") is None


def test_an_animation_is_labelled_as_well() -> None:
    for format_ in ("webp", "apng"):
        assert aigc.read(packet(labelled(TEXT, format_, animated()), format_) or b"") == SAID


@pytest.mark.parametrize("format_", ["gif", "bmp"])
def test_a_format_without_a_place_for_it_is_refused_rather_than_left_unlabelled(format_: str) -> None:
    with pytest.raises(InvalidImageFormat) as caught:
        labelled(TEXT, format_)
    assert f"AIGCMetadata cannot be written into {format_}" in caught.value.public


def test_the_original_never_answers_in_place_of_a_label() -> None:
    body = jpeg(64, 32, quality=30)
    assert aigc.read(packet(labelled(TEXT + "/minsize/1/quality/100!", "jpeg", body), "jpeg") or b"") == SAID


@given(st.dictionaries(st.sampled_from(FIELDS), st.text(st.characters(exclude_categories=["Cs"]), max_size=30)))
def test_any_text_survives(label: dict[str, str]) -> None:
    assert aigc.read(aigc.write(label)) == {**dict.fromkeys(FIELDS, ""), **label}


RDF = 'xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:T="http://www.tc260.org.cn/ns/AIGC/1.0/"'


@pytest.mark.parametrize(
    ("text", "label"),
    [
        (f"<r:D {RDF}><T:AIGC>{{&quot;Label&quot;:&quot;1&quot;}}</T:AIGC></r:D>", {"Label": "1"}),
        (f"<r:D {RDF} T:AIGC='{{&quot;Label&quot;:1}}'/>", {"Label": "1"}),
        (f'<r:D {RDF}><T:AIGC><![CDATA[{{"Label":"3","x":[]}}]]></T:AIGC></r:D>\0\0', {"Label": "3"}),
        (f'<r:D {RDF}><T:AIGC>{{"AIGC":{{"Label":"1"}}}}</T:AIGC></r:D>', {"Label": "1"}),
        (f"<r:D {RDF}><T:AIGC>[]</T:AIGC></r:D>", None),
        (f"<r:D {RDF}><T:AIGC>{'[' * 100_000}</T:AIGC></r:D>", None),
        (f'<r:D {RDF}><T:AIGC>{{"Label":[1]}}</T:AIGC></r:D>', None),
        (f'<r:D {RDF}><T:AIGC>{{"Label":"1"}}', None),  # cut short
        ("<a><AIGC>{&quot;Label&quot;:&quot;1&quot;}</AIGC></a>", None),  # of another namespace
        ('<!DOCTYPE a [<!ENTITY e "AIGC">]><a>&e;</a>', None),
        ("AIGC", None),
        ("", None),
        ("AIGC" * 300_000, None),
    ],
)  # fmt: skip
def test_labels_of_others_are_read_and_nonsense_is_none(text: str, label: dict[str, str] | None) -> None:
    assert aigc.read(text.encode()) == label
