"""How the ``store`` setting is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.stores.uri import StoreUri, parse_store_uri


@pytest.mark.parametrize(
    ("text", "expected", "canonical"),
    [
        ("file:photos", StoreUri("file", "photos"), "file:photos"),
        ("file:/srv/my photos", StoreUri("file", "/srv/my photos"), "file:/srv/my photos"),
        ("file:///srv/photos", StoreUri("file", "/srv/photos"), "file:/srv/photos"),
        ("file://localhost/srv", StoreUri("file", "/srv"), "file:/srv"),
        ("FILE:a:b", StoreUri("file", "a:b"), "file:a:b"),
        ("s3://my-bucket", StoreUri("s3", "my-bucket"), "s3://my-bucket"),
        ("s3://examplebucket-1250000000/", StoreUri("s3", "examplebucket-1250000000"), "s3://examplebucket-1250000000"),
        ("http://host", StoreUri("http", "host/"), "http://host/"),
        ("http://host:8080/a/b", StoreUri("http", "host:8080/a/b/"), "http://host:8080/a/b/"),
        ("HTTPS://host/a%20b/", StoreUri("https", "host/a%20b/"), "https://host/a%20b/"),
        ("http://[::1]:80/", StoreUri("http", "[::1]:80/"), "http://[::1]:80/"),
        ("memory:", StoreUri("memory", ""), "memory:"),
    ],
)
def test_each_form_has_one_canonical_spelling(text, expected, canonical):
    assert parse_store_uri(text) == expected
    assert str(expected) == canonical
    assert parse_store_uri(canonical) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", "photos", "/srv/photos", "file:", "file://", "file://host/x", "file:a\0b", "s3:", "s3://", "s3:bucket",
        "s3://bucket/prefix", "s3:///bucket", "s3://bu cket", "s3://-x", "s3://x", "http:", "http://", "http:///x", "http:host",
        "http://h:x/", "http://h:99999/", "http://h:0/", "http://u:p@h/", "http://h/?q", "http://h/#f", "http://h/a b/",
        "http://h/../x", "http://h/%2E./", "http://h\\x/", "http://h/é", "http://[::1/", "memory:x", "ftp://h/", "gs://b",
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_what_was_expected(text):
    with pytest.raises(ValueError, match=r"file:|s3://|http\(s\)://|memory:|punycode|prefix|origin_headers"):
        parse_store_uri(text)


def test_a_password_in_a_url_is_not_repeated_in_the_error():
    with pytest.raises(ValueError, match="origin_headers") as caught:
        parse_store_uri("http://user:hunter2@host/")
    assert "hunter2" not in str(caught.value)


def test_relative_directories_are_read_from_where_the_configuration_lies():
    assert parse_store_uri("file:photos").under(Path("/etc/mogr")).path == Path("/etc/mogr/photos")
    assert parse_store_uri("file:/srv").under(Path("/etc/mogr")).path == Path("/srv")
    assert parse_store_uri("s3://bucket").under(Path("/etc/mogr")).bucket == "bucket"
    assert parse_store_uri("http://h/a").under(Path("/etc/mogr")).url == "http://h/a/"


@pytest.mark.parametrize(
    ("text", "read_only"),
    [("file:a", False), ("s3://bucket", False), ("memory:", False), ("http://h/", True), ("https://h/", True)],
)
def test_only_http_origins_cannot_be_written_to(text, read_only):
    assert parse_store_uri(text).read_only is read_only
