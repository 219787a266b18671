"""What attackers send: hostile pictures through the real server, and bytes that only look like HTTP."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attacks
import httpx
import pytest
from pictures import jpeg
from servers.mogr import Mogr

from proxy.ops.encoded import encode_text

DEADLINE_S = 5
PER_FOLDER = 6
"""Of every folder of the corpus so many files; of our own bombs in ``generated`` those of ``BOMBS``."""
BOMBS = (
    "apng_60x8000*", "bmp_rle8_30000*", "elfheader.png", "eps_as.jpg", "gif_10000frames*", "gif_30000x30000*",
    "gif_65535x65535*", "heic_grid*", "heif_nested_meta*", "html_as.jpg", "ico_65535*", "jpeg_claims_65500*",
    "jpeg_exif_ifd_loop*", "jpeg_scanbomb*", "mvg_push*", "one_byte.png", "pdf_as.png", "png_30000x30000_gray8*",
    "png_iccp_bomb*", "png_itxt*", "png_ztxt*", "svg_billion*", "svg_filter*", "svg_image_href_file*", "svg_use_bomb*",
    "tif*loop*", "webp_16383*",
)  # fmt: skip
FORMATS = ("webp", "avif")
BOUND_S = 2 * DEADLINE_S + 2
"""Probing and painting may each take the deadline."""


@pytest.fixture
def corpus(needs_shared: Callable[[str], Path]) -> list[Path]:
    root = needs_shared("images/hostile")
    chosen = [path for pattern in BOMBS for path in sorted((root / "generated").glob(pattern))[:2]]
    for folder in sorted(entry for entry in root.iterdir() if entry.is_dir() and entry.name != "generated"):
        chosen += sorted(path for path in folder.iterdir() if path.is_file())[:PER_FOLDER]
    assert len(chosen) > 60
    return chosen


@pytest.mark.timeout(120)
def test_hostile_pictures_cost_an_error_each_and_nobody_else_anything(
    corpus: list[Path], start: Callable[..., Mogr]
) -> None:
    named = {f"{number}{path.suffix}": path.read_bytes() for number, path in enumerate(corpus)}
    names = {f"{number}{path.suffix}": path.name for number, path in enumerate(corpus)}
    files = {**named, "good.jpg": jpeg()}
    # Nobody keeps a picture from a core: past its deadline it would be nobody's fault, 503.
    server = start({"codec": {"workers": 2, "deadline_s": DEADLINE_S, "nice": 0}}, files=files)
    wrong: list[str] = []

    def attack(target: tuple[str, str]) -> None:
        key, format_ = target
        began_s = time.monotonic()
        answer = server.get(f"/{key}?imageMogr2/thumbnail/100x/format/{format_}")
        seconds = time.monotonic() - began_s
        fine = answer.status_code in (200, 504) or 400 <= answer.status_code < 500
        if not fine or seconds > BOUND_S:
            wrong.append(f"{names[key]} as {format_}: {answer.status_code} after {seconds:.1f} s")
        if answer.status_code == 200:
            if answer.headers["content-type"] != f"image/{format_}":
                wrong.append(f"{names[key]} as {format_}: {answer.headers['content-type']}")
        elif not re.search(rb"<Code>\w+</Code>", answer.content):
            wrong.append(f"{names[key]} as {format_}: {answer.status_code} without CI's XML")

    with ThreadPoolExecutor(2) as attackers:
        attacks = [attackers.submit(attack, (key, format_)) for key in named for format_ in FORMATS]
        width_px = 20
        while not all(done.done() for done in attacks):
            width_px += 1
            assert server.get(f"/good.jpg?imageMogr2/thumbnail/{width_px}x").status_code == 200
            assert httpx.get(f"{server.admin_url}/readyz", trust_env=False, timeout=5).status_code == 200
        for done in attacks:
            done.result()
    assert not wrong, "\n".join(wrong)
    assert len(server.web_pids()) == 1
    assert server.stop() == 0


TELLING = (
    "apng_claims_2e31*", "avif_ispe_65535.avif", "bmp_rle8_30000*", "gif_65535x65535*", "gif_no_trailer*", "heic_grid*",
    "heif_nested_meta*", "html_as.jpg", "ico_65535*", "jpeg_exif_ifd_loop*", "jpeg_icc_garbage.jpg", "jpeg_scanbomb*",
    "jpeg_trailing_zip.jpg", "jxl_claims_1e9*", "png_bad_crc.png", "png_iccp_bomb*", "svg_xxe_file.svg", "tiff_self_ifd*",
    "tiff_spp_65535.tif", "trunc50_webp.webp",
)  # fmt: skip


@pytest.mark.timeout(300)
def test_no_kind_of_operation_is_hurt_by_what_is_hostile(
    needs_shared: Callable[[str], Path], start: Callable[..., Mogr]
) -> None:
    """Each through every operation, into every format, reported on, and as a mark; bench/hostile.py does it with all there are."""
    root = needs_shared("images/hostile/generated")
    chosen = [path for pattern in TELLING for path in sorted(root.glob(pattern))[:1]]
    files = {f"{number}{path.suffix}": path.read_bytes() for number, path in enumerate(chosen)}
    settings = {
        "codec": {"workers": 2, "deadline_s": DEADLINE_S, "queue_s": 600, "jobs_per_process": 100_000, "nice": 0},
        "buckets": {"test-1250000000": {"error_ttl_s": 0}},  # nothing is spared because an earlier operation failed
    }
    server = start(settings, files={**files, "good.jpg": jpeg(120, 80)})
    questions = []
    for key, path in zip(files, chosen, strict=True):
        url = f"http://test-1250000000.cos.ap-guangzhou.myqcloud.com/{key}"
        named = {"mark": encode_text(url), "turned": encode_text(f"{url}?imageMogr2/rotate/45")}
        for kinds, target in ((attacks.ON_THE_FILE, key), (attacks.MARKS, "good.jpg")):
            questions += [(path.name, kind, f"/{target}?{text.format(**named)}") for kind, text in kinds.items()]

    def wrong(question: tuple[str, str, str]) -> str | None:
        name, kind, target = question
        answer = server.get(target)
        fine = answer.status_code in (200, 504) or 400 <= answer.status_code < 500
        told = answer.status_code == 200 or re.search(rb"<Code>\w+</Code>", answer.content)
        return None if fine and told else f"{name}, {kind}: {answer.status_code} {answer.text[:200]}"

    with ThreadPoolExecutor(2) as attackers:
        assert [found for found in attackers.map(wrong, questions) if found] == []
    assert server.get("/good.jpg?imageMogr2/thumbnail/33x").status_code == 200
    assert len(server.codec_pids()) == 2
    assert server.metric("mogr_codec_restarts_total") == server.metric('mogr_codec_restarts_total{reason="deadline"}')
    assert server.stop() == 0


@pytest.mark.parametrize(
    ("head", "statuses"),
    [
        pytest.param(b"GET /cat.jpg HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n", {400}, id="folded header"),
        pytest.param(b"GET /cat.jpg HTTP/1.1\nHost: a\n", {400}, id="bare line feeds"),
        pytest.param(b"GET /cat.jpg HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n", {400}, id="NUL in a header"),
        pytest.param(b"GET /cat.jpg HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n", {400}, id="space, colon"),
        pytest.param(
            b"GET /cat.jpg HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            {400},
            id="CL.TE",
        ),
        pytest.param(
            b"GET /cat.jpg HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 5\r\n", {400}, id="two lengths"
        ),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", {400}, id="TLS"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n", {400}, id="HTTP/2"),
        pytest.param(b"GET /../notes.txt HTTP/1.1\r\nHost: a\r\n", {404}, id="dots"),
        pytest.param(b"GET /x/../notes.txt HTTP/1.1\r\nHost: a\r\n", {404}, id="dots within"),
        pytest.param(b"GET /%2e%2e/notes.txt HTTP/1.1\r\nHost: a\r\n", {404}, id="encoded dots"),
        pytest.param(b"GET /..%c0%afnotes.txt HTTP/1.1\r\nHost: a\r\n", {400}, id="overlong slash"),
        pytest.param(b"GET /cat.jpg%00.txt HTTP/1.1\r\nHost: a\r\n", {400}, id="NUL in a key"),
        pytest.param(b"GET /./.mogr/x HTTP/1.1\r\nHost: a\r\n", {404}, id="renditions, dot"),
        pytest.param(b"GET //.MOGR/x HTTP/1.1\r\nHost: a\r\n", {404}, id="renditions, case"),
        pytest.param(
            b"GET /cat.jpg?" + b"|".join([b"imageMogr2/thumbnail/9x"] * 2500) + b" HTTP/1.1\r\nHost: a\r\n",
            {400, 414},
            id="64 KB of pipes",
        ),
    ],
)
def test_odd_bytes_get_an_error_and_the_next_client_a_picture(served: Mogr, head: bytes, statuses: set[int]) -> None:
    """Sent as they are: a client library would tidy the target up."""
    began_s = time.monotonic()
    answers = list(statuses_of(served, head + b"Connection: close\r\n\r\n"))
    assert time.monotonic() - began_s < 8
    assert len(answers) == 1
    assert answers[0] in statuses
    assert served.get("/cat.jpg?imageMogr2/thumbnail/31x").status_code == 200


def test_pipelined_requests_are_answered_in_their_order(served: Mogr) -> None:
    first = b"GET /cat.jpg?imageMogr2/thumbnail/57x HTTP/1.1\r\nHost: a\r\n\r\n"
    second = b"GET /none HTTP/1.1\r\nHost: a\r\n\r\n"
    last = b"POST /cat.jpg HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    assert list(statuses_of(served, first + second + last)) == [200, 404, 405]


def test_two_hundred_idle_connections_hinder_nobody(served: Mogr) -> None:
    beginnings = (
        b"",
        b"GET /cat.jpg HTTP/1.1\r\nHost: a\r\nX",
        b"POST /cat.jpg HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n.",
    )
    idle = []
    try:
        for number in range(200):
            idle.append(socket.create_connection(("127.0.0.1", served.port), timeout=5))
            idle[-1].sendall(beginnings[number % len(beginnings)])
        began_s = time.monotonic()
        for width_px in range(60, 80):
            assert served.get(f"/cat.jpg?imageMogr2/thumbnail/{width_px}x").status_code == 200
        assert time.monotonic() - began_s < 40
        assert httpx.get(f"{served.admin_url}/livez", trust_env=False, timeout=5).status_code == 200
    finally:
        for connection in idle:
            connection.close()


def statuses_of(server: Mogr, request: bytes) -> Iterator[int]:
    """The status of every answer to *request* until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(request)
        received = bytearray()
        while chunk := connection.recv(65536):
            received += chunk
    for found in re.finditer(rb"HTTP/1\.1 (\d{3}) ", received):
        yield int(found[1])
