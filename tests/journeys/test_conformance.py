"""The truth table of CI's wire API, case by case, against a running server."""

from __future__ import annotations

import importlib.util
import io
import json
import re
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote

import pytest
from pictures import animated, encoded, jpeg, opened, portrait, scene
from PIL import Image, ImageChops, ImageStat
from servers.mogr import Mogr
from signing import SECRET_ID, SECRET_KEY, around, authorization, cos_parts

from proxy.codec import avs2, tpg_container
from proxy.core.access.cdn import UrlSigning
from proxy.core.access.cos import Signed, SigningKey, verify
from proxy.core.access.refusals import SignatureDoesNotMatch

TABLE = Path(__file__).resolve().parents[3] / "shared/spec/conformance_cases.json"
PREFIXES = {
    "info",
    "thumb",
    "cut",
    "crop",
    "rot",
    "fmt",
    "q",
    "pipe",
    "eff",
    "lim",
    "iv",
    "size",
    "slim",
    "rcrop",
    "idx",
    "circ",
    "scrop",
    "wm",
}
ELSEWHERE = {
    "fmt-018": "the switch of advanced compression is a setting of CI's console: this build has the format or has not",
    "fmt-024": "format/auto is ours; a bucket that negotiates exactly answers 400, which test_negotiated shows",
}
NOTES = {"fmt-018": "0017-what-ci-leaves-open.md", "fmt-024": "0004-format-auto.md"}
"""Where it is written why these differ."""
SIGNED = {"thumb-057", "thumb-059"}
"""The table says that these carry a signature."""


with_opencv = pytest.mark.skipif(importlib.util.find_spec("cv2") is None, reason="needs OpenCV: pip install mogr[face]")

with_ffmpeg = pytest.mark.skipif(avs2.program() is None, reason="needs imageio-ffmpeg: pip install mogr[tpg]")

CHECKED = {
    "status", "error_code", "same_bytes_as_source", "headers", "headers_any", "max_bytes", "not_larger_than_source",
}  # fmt: skip
REPORTED = {"json", "json_keys", "json_object", "all_values_strings"}
SEEN = {
    "w", "h", "format", "frames", "max_pixels", "quality", "progressive", "corner_alpha", "origin", "grayscale", "changed", "mark_width",
    "mark_height", "has_exif", "corner_rgb", "corner", "inner", "ratio", "exif_orientation", "orientation_after", "profile",
}  # fmt: skip
"""What ``_pixels`` looks at; any other word of the table would be a promise that nobody checks."""


def cases() -> Iterator[Any]:
    if not TABLE.exists():
        yield pytest.param(None, marks=pytest.mark.skip(reason="needs ../shared/spec/conformance_cases.json"))
        return
    for case in json.loads(TABLE.read_text())["cases"]:
        if case["id"].split("-")[0] not in PREFIXES or case["id"] in ELSEWHERE:
            continue
        marks = [with_opencv] if "scrop" in case["op"] else [with_ffmpeg] if "tpg" in case["op"] else []
        yield pytest.param(case, id=case["id"], marks=marks)


@cache
def source(text: str) -> bytes:
    want = json.loads(text)
    width_px, height_px, format_ = want.get("w", 0), want.get("h", 0), want.get("format", "jpeg")
    if format_ == "text":
        return b"no picture"
    if want.get("content") == "one face":
        return portrait(width_px, height_px)
    if want.get("frames", 1) > 1:
        return animated(width_px, height_px, want["frames"], "GIF" if format_ == "gif" else "WEBP")
    if format_ == "jpeg":
        body = jpeg(
            width_px,
            height_px,
            quality=want.get("quality", 80),
            orientation=want.get("exif_orientation", 3 if want.get("has_exif") else 1),
        )
        if want.get("progressive"):
            body = encoded(scene(width_px, height_px), "JPEG", quality=80, progressive=True)
        return body + b"\0" * max(0, want.get("bytes", 0) - len(body))
    if format_ == "heif":
        import pillow_heif

        pillow_heif.register_heif_opener()
        return encoded(scene(width_px, height_px), "HEIF")
    picture = (
        scene(width_px, height_px) if width_px * height_px < 10_000_000 else Image.new("RGB", (width_px, height_px))
    )
    return encoded(picture, format_.upper())


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mogr]:
    directory = tmp_path_factory.mktemp("conformance")
    marks = {"b-1250000000": {"store": f"file:{directory / 'photos'}"}}
    signers = [{"secret_id": SECRET_ID, "secret_key": SECRET_KEY}]
    with Mogr(directory, {"codec": {"workers": 2}, "buckets": marks, "credentials": signers}) as server:
        server.put("mark.png", encoded(Image.new("RGB", (160, 90), (255, 0, 255)), "PNG"))
        yield server


@pytest.mark.parametrize("case", list(cases()))
def test_case(table: Mogr, case: dict[str, Any]) -> None:
    wanted = {key: value for key, value in case["input"].items() if key != "advanced_compression"}
    text = json.dumps(wanted, sort_keys=True)
    body = source(text)
    name = f"{abs(hash(text))}.bin"
    table.put(name, body)
    # The table's raw spellings hold characters that a browser would escape and a raw client does not.
    # Marks come from the bucket of the picture, which those cases name.
    host = {"Host": "b-1250000000.cos.r.example"} if case["id"].startswith("wm-") else {}
    target, signature = signed(f"/{name}", case["op"]) if case["id"] in SIGNED else (f"/{name}?{case['op']}", {})
    answer = table.get(target, **host, **signature)
    expected = case["expect"]
    outcomes = [o for o in expected.get("one_of", [expected]) if o.get("profile", "classic") == "classic"]
    failures = [failure for failure in (difference(o, case, answer, body) for o in outcomes) if failure]
    assert len(failures) < len(outcomes), failures


def signed(path: str, op: str) -> tuple[str, dict[str, str]]:
    """A target for *op*, and header fields, signed the way that *op* says: in the query, or else in the header."""
    period = around(time.time())
    if "q-signature=SIG" in op:
        parts = cos_parts(path, period=period)
        for placeholder, value in (("AK", SECRET_ID), ("S;E", period), ("SIG", parts["q-signature"])):
            op = op.replace(f"={placeholder}&", f"={value}&")
        return f"{path}?{op}", {}
    parameters = dict(parse_qsl(op, keep_blank_values=True))
    return f"{path}?{op}", {"Authorization": authorization(path, period=period, parameters=parameters)}


def of_table(prefix: str) -> Iterator[Any]:
    if not TABLE.exists():
        yield pytest.param(None, marks=pytest.mark.skip(reason="needs ../shared/spec/conformance_cases.json"))
        return
    found = [case for case in json.loads(TABLE.read_text())["cases"] if case["id"].startswith(prefix)]
    yield from (pytest.param(case, id=case["id"]) for case in found)


PIC_OPERATIONS = '{"is_pic_info":1,"rules":[{"fileid":"format.png","rule":"imageView2/format/png"}]}'


@pytest.mark.parametrize("case", list(of_table("sig-")))
def test_the_signatures_of_the_table_hold_and_no_others(case: dict[str, Any]) -> None:
    """Requests of years ago, so that only what a server does with them can be asked, at their time."""
    given = case["input"]
    method, target = case["op"].split()[:2]
    path, _, name = target.partition("?")
    name = name.removesuffix("=") if not name.endswith("==") else name
    period = re.search(r"\d{10};\d{10}", case["op"])[0]  # type: ignore[index]
    headers = {} if "no header signed" in case["op"] else {"host": given["host"]}
    if "Pic-Operations" in case["op"]:
        headers |= {"content-length": "0", "pic-operations": PIC_OPERATIONS}
    parts = cos_parts(path, method=method, period=period, parameters={name: ""}, headers=headers)
    keys = {given["secret_id"]: SigningKey(given["secret_id"], given["secret_key"])}
    for signature in (case["expect"]["signature"], "0" * 40):
        text = "&".join(f"{key}={value}" for key, value in (parts | {"q-signature": signature}).items())
        request = Signed(
            method=method,
            raw_path=path.encode(),
            raw_query=f"{quote(name, safe='')}=".encode(),
            lines=[
                (key.encode(), value.encode())
                for key, value in ({"host": given["host"], "authorization": text} | headers).items()
            ],
        )
        if signature == "0" * 40:
            with pytest.raises(SignatureDoesNotMatch):
                verify(request, keys, float(period.partition(";")[0]))
        else:
            assert verify(request, keys, float(period.partition(";")[0])) is not None


@pytest.mark.parametrize("case", list(of_table("cdn-")))
def test_the_urls_of_the_table_that_are_signed_for_the_cdn_hold_and_no_others(case: dict[str, Any]) -> None:
    given, type_ = case["input"], case["op"].removeprefix("Type")[0]
    rand = re.search(r"rand (\w+) uid (\w+)", case["op"])
    signing = UrlSigning(type=type_, keys=(given["key"],), ttl_s=60)  # type: ignore[arg-type]
    for digest in (case["expect"]["md5"], "0" * 32):
        query = f"sign={given['ts']}-{rand[1]}-{rand[2]}-{digest}" if rand else f"sign={digest}&t={given['ts']}"
        if digest == "0" * 32:
            with pytest.raises(SignatureDoesNotMatch):
                signing.verify(given["uri"].encode(), query.encode(), given["ts"])
        else:
            signing.verify(given["uri"].encode(), query.encode(), given["ts"])


@pytest.mark.skipif(not TABLE.exists(), reason="needs ../shared/spec/conformance_cases.json")
def test_no_case_of_pictures_is_left_out_silently() -> None:
    """Those of styles are in test_styles, signatures and CDN below; persistence, jobs and errors have tables of their own."""
    table = [case for case in json.loads(TABLE.read_text())["cases"] if case["id"].split("-")[0] in PREFIXES]
    run = {case.values[0]["id"] for case in cases()}
    assert {case["id"] for case in table} - run == ELSEWHERE.keys()
    assert ELSEWHERE.keys() == NOTES.keys()
    decisions = Path(__file__).resolve().parents[2] / "docs/decisions"
    assert all((decisions / note).is_file() for note in NOTES.values())
    words = {word for case in table for each in case["expect"].get("one_of", [case["expect"]]) for word in each}
    assert words - {"body_prefix"} <= SEEN | CHECKED | REPORTED


def jpeg_quality(picture: Image.Image) -> int:
    """The libjpeg quality whose luminance table is nearest to the picture's."""
    table = picture.quantization[0]

    def distance(quality: int) -> int:
        reference = Image.open(io.BytesIO(encoded(Image.new("RGB", (8, 8)), "JPEG", quality=quality)))
        return sum(abs(a - b) for a, b in zip(table, reference.quantization[0], strict=True))

    return min(range(1, 101), key=distance)


def difference(want: dict[str, Any], case: dict[str, Any], answer, body: bytes) -> str | None:
    """What is not as *want* says; None if all is."""
    checks: dict[str, Callable[[Any], bool]] = {
        "status": lambda value: answer.status_code == value,
        "error_code": lambda value: f"<Code>{value}</Code>" in answer.text,
        "same_bytes_as_source": lambda _: answer.content == body,
        "headers": lambda value: all(answer.headers.get(k) == v for k, v in value.items()),
        "headers_any": lambda value: any(name in answer.headers for name in value),
        "json": lambda value: answer.json().items() >= value.items(),
        "json_keys": lambda value: answer.json().keys() >= set(value),
        "json_object": lambda value: isinstance(answer.json(), dict) is value,
        "all_values_strings": lambda value: all(isinstance(each, str) for each in answer.json().values()) is value,
        "body_prefix": lambda value: answer.content.startswith(value.encode()),
        "max_bytes": lambda value: len(answer.content) <= value,
        "not_larger_than_source": lambda _: len(answer.content) <= len(body),
    }
    for name, check in checks.items():
        if name in want and not check(want[name]):
            return f"{name}: wanted {want[name]}, got {answer.status_code} {answer.text[:300] if answer.status_code != 200 else ''}"
    if answer.status_code != 200 or not set(want) - {"status", "same_bytes_as_source", *REPORTED}:
        return None
    return _pixels(want, case, answer.content, body)


def _pixels(want: dict[str, Any], case: dict[str, Any], content: bytes, body: bytes) -> str | None:
    if want.get("format") == "tpg":
        # Pillow knows nothing of it; what the pixels are, tests/codec/test_tpg.py looks at.
        said, source = tpg_container.head(content), opened(body)
        got_px = (said.width_px, said.height_px)
        return None if got_px == source.size else f"wanted {source.size}, got {got_px}"
    if want.get("format") == "heif" or content[4:8] == b"ftyp":
        import pillow_heif

        pillow_heif.register_heif_opener()
    picture = Image.open(io.BytesIO(content))
    tolerance = case.get("tolerance_px", 0)
    got = {"w": picture.width, "h": picture.height}
    for side in ("w", "h"):
        if side in want and abs(got[side] - want[side]) > tolerance:
            return f"{side}: wanted {want[side]}, got {got[side]}"
    names = {"JPEG": "jpeg", "MPO": "jpeg", "HEIF": "heif"}
    format_ = names.get(str(picture.format), str(picture.format).lower())
    if "format" in want and format_ != want["format"]:
        return f"format: wanted {want['format']}, got {format_}"
    if "frames" in want and getattr(picture, "n_frames", 1) != want["frames"]:
        return f"frames: wanted {want['frames']}, got {getattr(picture, 'n_frames', 1)}"
    if "max_pixels" in want and picture.width * picture.height > want["max_pixels"]:
        return f"{picture.size} has more than {want['max_pixels']} pixels"
    if "quality" in want and format_ == "jpeg":
        quality = jpeg_quality(picture)
        if abs(quality - want["quality"]) > case.get("tolerance_quality", 2):
            return f"quality: wanted {want['quality']}, got {quality}"
    if "progressive" in want and bool(picture.info.get("progressive")) is not want["progressive"]:
        return f"progressive: wanted {want['progressive']}"
    if "corner_alpha" in want and picture.getpixel((0, 0))[3] != want["corner_alpha"]:
        return f"corner: wanted alpha {want['corner_alpha']}, got {picture.getpixel((0, 0))}"
    if "origin" in want:
        left_px, top_px = map(int, want["origin"].split(","))
        piece = opened(body).crop((left_px, top_px, left_px + picture.width, top_px + picture.height))
        apart = max(ImageStat.Stat(ImageChops.difference(piece, picture)).mean)
        if apart > 3:
            return f"origin: wanted {want['origin']}, but the pixels are {apart} apart"
    if "grayscale" in want and (picture.mode == "L") is not want["grayscale"]:
        return f"grayscale: wanted {want['grayscale']}, got {picture.mode}"
    if not {"changed", "mark_width", "mark_height"}.isdisjoint(want):
        changed = ImageChops.difference(opened(body).convert("RGB"), picture.convert("RGB")).convert("L")
        box = changed.point(lambda level: 255 * (level > 24)).getbbox()
        if box is None:
            return "nothing changed"
        for name, got_px in (("mark_width", box[2] - box[0]), ("mark_height", box[3] - box[1])):
            # JPEG blurs edges over its blocks of 16.
            if abs(want.get(name, got_px) - got_px) > 16:
                return f"{name}: wanted {want[name]}, got {got_px}"
    for name in ("exif_orientation", "orientation_after"):
        if name in want and picture.getexif().get(0x0112, 1) != want[name]:
            return f"orientation: wanted {want[name]}, got {picture.getexif().get(0x0112)}"
    if "ratio" in want:  # "16:9 +-1px"
        wide, high = map(int, want["ratio"].split()[0].split(":"))
        if abs(picture.height * wide / high - picture.width) > wide / high:
            return f"ratio: wanted {want['ratio']}, got {picture.size}"
    if "inner" in want:  # "480x270 centred"
        box = _inside(picture.convert("RGB"))
        wide, high = map(int, want["inner"].split()[0].split("x"))
        left_px, top_px = (picture.width - wide) / 2, (picture.height - high) / 2
        expected = (left_px, top_px, left_px + wide, top_px + high)
        if max(abs(a - b) for a, b in zip(box, expected, strict=True)) > 4 + tolerance:  # JPEG blurs edges
            return f"inner: wanted {expected}, got {box}"
    if "has_exif" in want and bool(picture.getexif()) is not want["has_exif"]:
        return f"EXIF: wanted {want['has_exif']}, got {dict(picture.getexif())}"
    if "corner_rgb" in want or want.get("corner") == "white (jpeg)":
        corner = picture.convert("RGB").getpixel((1, 1))
        wanted = tuple(bytes.fromhex(want.get("corner_rgb", "#FFFFFF").removeprefix("#")))
        if max(abs(a - b) for a, b in zip(corner, wanted, strict=True)) > 6:
            return f"corner: wanted {wanted}, got {corner}"
    return None


def _inside(picture: Image.Image) -> tuple[int, int, int, int]:
    """The box of what differs from the canvas, whose colour is that of the corner; JPEG's edges are soft."""
    canvas = Image.new("RGB", picture.size, picture.getpixel((0, 0)))
    apart = ImageChops.difference(picture, canvas).convert("L").point(lambda level: 255 * (level > 24))
    box = apart.getbbox()
    assert box is not None
    return box
