"""What a suffix says."""

from __future__ import annotations

import pytest

from proxy.stores.media_types import media_type_of


@pytest.mark.parametrize(
    ("key", "media_type"),
    [
        ("a.jpg", "image/jpeg"), ("dir/a.JPEG", "image/jpeg"), ("a.png", "image/png"), ("a.gif", "image/gif"),
        ("a.webp", "image/webp"), ("a.avif", "image/avif"), ("a.heic", "image/heic"), ("a.heif", "image/heif"),
        ("a.jxl", "image/jxl"), ("a.tif", "image/tiff"), ("a.svg", "image/svg+xml"), ("a.txt", "text/plain"),
        ("a.html", "text/html"), ("a.tar.gz", "application/gzip"), ("a", "application/octet-stream"),
        (".jpg", "application/octet-stream"), ("a.jpg/b", "application/octet-stream"), ("a.", "application/octet-stream"),
        ("data:text/html,x", "application/octet-stream"), ("http://a.jpg/x?y.png", "image/png"),
        ("a.unknown", "application/octet-stream"), ("a.Z", "application/octet-stream"), ("", "application/octet-stream"),
    ],
)  # fmt: skip
def test_the_media_type_follows_from_the_suffix(key, media_type):
    assert media_type_of(key) == media_type
