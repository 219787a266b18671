"""The README's table of URLs, asked of a real server on the bundled pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers.mogr import Mogr

ROOT = Path(__file__).resolve().parents[2]
ROWS = re.findall(r"^\| `(/[^`]+)` \| (.*) \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mogr]:
    """A server of the pictures that ship with mogr."""
    settings = {"buckets": {"test-1250000000": {"store": f"file:{ROOT / 'photos'}"}}}
    with Mogr(tmp_path_factory.mktemp("bundled"), settings) as server:
        yield server


def media_type(url: str) -> str:
    """What *url* promises Chrome: the last format it names, or the original's, which for lines is PNG."""
    asked = re.findall(r"format/(\w+)", url) or [url.partition("?")[0].rpartition(".")[2]]
    return "image/" + {"jpg": "jpeg", "auto": "avif", "svg": "png", "svgc": "svg+xml"}.get(asked[-1], asked[-1])


@pytest.mark.parametrize("url", [url.replace(r"\|", "|") for url, _ in ROWS])
def test_it_answers_with_the_picture_it_promises(bundled, url):
    answer = bundled.get(url.replace("|", "%7C"), accept=CHROME)
    assert (answer.status_code, answer.headers["content-type"]) == (200, media_type(url))
    assert len(answer.content) > 1000
