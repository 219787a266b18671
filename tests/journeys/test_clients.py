"""Clients that were not written for us: a browser and Tencent's own SDK."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import httpx
import pytest
from pictures import jpeg, opened
from servers.mogr import Mogr


def test_a_browser_shows_the_picture_and_was_sent_avif(start, tmp_path: Path, require_server) -> None:
    chromium = require_server("chromium")
    target = "cat.jpg?imageMogr2/thumbnail/320x/format/auto"
    page = f'<body style="margin:0;background:#000"><img src="/{target}" width="320" height="180"></body>'
    server: Mogr = start({"server": {"access_log": "json"}}, {"cat.jpg": jpeg(), "index.html": page.encode()})
    shot = tmp_path / "shot.png"
    command = [
        chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
        f"--user-data-dir={tmp_path / 'profile'}", "--window-size=320,180", f"--screenshot={shot}",
        server.url + "/index.html",
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
