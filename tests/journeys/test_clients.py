"""Clients that were not written for us: a browser and Tencent's own SDK."""

from __future__ import annotations

import base64
import json
import subprocess
import time
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest
from pictures import encoded, jpeg, opened
from PIL import Image
from servers.mogr import Mogr
from servers.origin import FaultyOrigin


def test_a_browser_shows_the_picture_and_was_sent_avif(start, tmp_path: Path, require_server) -> None:
    chromium = require_server("chromium")
    target = "cat.jpg?imageMogr2/thumbnail/320x/format/auto"
    page = f'<body style="margin:0;background:#000"><img src="/{target}" width="320" height="180"></body>'
    server: Mogr = start({"server": {"access_log": "json"}}, {"cat.jpg": jpeg(), "index.html": page.encode()})
    shot = tmp_path / "shot.png"
    command = [
        *headless(chromium, tmp_path), "--window-size=320,180", f"--screenshot={shot}", server.url + "/index.html",
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=50)
    shown = opened(shot.read_bytes()).convert("RGB")
    wanted = opened(server.get("/cat.jpg?imageMogr2/thumbnail/320x/format/png").content).convert("RGB")
    points = [(x, y) for x in range(20, 310, 48) for y in range(12, 170, 39)]
    differences = [max(abs(a - b) for a, b in zip(shown.getpixel(p), wanted.getpixel(p), strict=True)) for p in points]
    assert sorted(differences)[len(differences) // 2] < 16, "what the browser shows is the picture"
    answer = server.get("/" + target, Accept="image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8")
    assert answer.headers["content-type"] == "image/avif"
    assert answer.headers["cache-status"] == "mogr; hit; detail=memory", "the browser's request made this very picture"


PLAYS = """<body><script>
const report = said => fetch("REPORT?" + encodeURIComponent(JSON.stringify(said)), {mode: "no-cors"});
(async () => {
  const found = [];
  for (const plays of [0, 1, 3]) {
    const answer = await fetch(`/${plays}.gif?imageMogr2/format/auto`, {headers: {Accept: "image/avif,image/webp"}});
    const type = answer.headers.get("content-type");
    const decoder = new ImageDecoder({data: await answer.arrayBuffer(), type});
    await decoder.tracks.ready;
    const track = decoder.tracks.selectedTrack, frames = [];
    for (let number = 0; number < track.frameCount; number++) {
      const {image} = await decoder.decode({frameIndex: number});
      const canvas = new OffscreenCanvas(160, 90).getContext("2d");
      canvas.drawImage(image, 0, 0);
      frames.push([image.duration / 1000, ...canvas.getImageData(80, 45, 1, 1).data.slice(0, 3)]);
    }
    found.push([type, String(track.repetitionCount), frames]);
  }
  await report(found);
})().catch(error => report(String(error)));
</script></body>"""
COLOURS = ((200, 30, 30), (30, 200, 30), (30, 30, 200))
DELAYS_MS = (100, 200, 300)


def coloured(plays: int) -> bytes:
    """A GIF of three colours, with grain: flat ones take so few bytes that the original would be sent."""
    grain = Image.effect_noise((160, 90), 40).convert("RGB")
    pages = [Image.blend(Image.new("RGB", (160, 90), colour), grain, 0.15) for colour in COLOURS]
    loop = {} if plays == 1 else {"loop": max(0, plays - 1)}  # GIF counts how often it is played again
    return encoded(pages[0], "GIF", save_all=True, append_images=pages[1:], duration=list(DELAYS_MS), **loop)


def test_a_browser_plays_an_animated_avif_as_the_gif_was_played(start, tmp_path: Path, require_server) -> None:
    chromium = require_server("chromium")
    with FaultyOrigin() as reports:
        page = PLAYS.replace("REPORT", reports.url("/report"))
        files = {"index.html": page.encode(), **{f"{plays}.gif": coloured(plays) for plays in (0, 1, 3)}}
        server: Mogr = start({}, files)
        command = [*headless(chromium, tmp_path), "--remote-debugging-port=0", server.url + "/index.html"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as browser:
            try:
                until_s = time.monotonic() + 50
                while not reports.requests and time.monotonic() < until_s:
                    time.sleep(0.05)
            finally:
                browser.terminate()
        assert reports.requests, "the page reported nothing"
    said = json.loads(unquote(reports.requests[0].target.partition("?")[2]))
    assert [type_ for type_, _, _ in said] == ["image/avif"] * 3
    assert [again for _, again, _ in said] == ["Infinity", "0", "2"]
    for _, _, frames in said:
        assert [delay_ms for delay_ms, *_ in frames] == list(DELAYS_MS)
        for (_, *seen), colour in zip(frames, COLOURS, strict=True):
            assert max(abs(a - b) for a, b in zip(seen, colour, strict=True)) < 60, frames


def headless(chromium: str, directory: Path) -> list[str]:
    return [
        chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
        f"--user-data-dir={directory / 'profile'}",
    ]  # fmt: skip


def test_the_official_sdk_gets_renditions_and_reads_our_errors(served: Mogr, tmp_path: Path) -> None:
    qcloud_cos = pytest.importorskip("qcloud_cos")
    configuration = qcloud_cos.CosConfig(
        Region="ap-guangzhou",
        SecretId="id",
        SecretKey="key",
        Scheme="http",
        Endpoint=f"127.0.0.1:{served.port}",
        Domain=f"127.0.0.1:{served.port}",
    )
    client = qcloud_cos.CosS3Client(configuration)
    bucket = "test-1250000000"
    whole = client.get_object(Bucket=bucket, Key="cat.jpg")
    assert whole["Body"].get_raw_stream().read() == jpeg()
    target = tmp_path / "small.jpg"
    client.ci_download_compress_image(Bucket=bucket, Key="cat.jpg", DestImagePath=str(target), CompressType="avif")
    assert opened(target.read_bytes()).format == "AVIF"
    signed = client.get_presigned_url(
        Bucket=bucket, Key="cat.jpg", Method="GET", Params={"imageMogr2/thumbnail/!50p": ""}
    )
    assert opened(httpx.get(signed, trust_env=False).content).size == (480, 270)
    head = client.head_object(Bucket=bucket, Key="cat.jpg")
    assert head["Content-Length"] == str(len(jpeg()))
    assert head["ETag"].startswith('"')
    assert head["Last-Modified"].endswith("GMT")
    with pytest.raises(qcloud_cos.CosServiceError) as missing:
        client.get_object(Bucket=bucket, Key="none.jpg")
    assert missing.value.get_error_code() == "NoSuchKey"
    assert missing.value.get_status_code() == 404
    assert base64.b64decode(missing.value.get_trace_id())
