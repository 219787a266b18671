"""The ``store`` setting read into a value, so that configuration and composition agree on what it means.

Pure: nothing is opened, resolved or looked up here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

FORMS = "file:DIR, s3://BUCKET, http(s)://HOST/PREFIX/ or memory:"

# S3's own rule is stricter; servers like Ceph also take capitals and underscores.
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f\\]")


@dataclass(frozen=True, slots=True)
class StoreUri:
    """A store named in configuration; ``str()`` gives back text that parses to the same value."""

    scheme: Literal["file", "s3", "http", "https", "memory"]
    location: str
    """What follows the scheme: a directory, a bucket, ``HOST/PREFIX/``, or nothing."""

    @property
    def read_only(self) -> bool:
        """Whether renditions cannot be written there (an HTTP origin)."""
        return self.scheme in ("http", "https")

    @property
    def path(self) -> Path:
        """The directory of a file store."""
        return Path(self.location)

    @property
    def bucket(self) -> str:
        """The bucket of an S3 store."""
        return self.location

    @property
    def url(self) -> str:
        """The prefix of an HTTP origin; it ends in ``/``."""
        return str(self)

    def under(self, directory: Path) -> StoreUri:
        """The same store with a relative directory read from *directory*; other kinds are unchanged."""
        return replace(self, location=str(directory / self.location)) if self.scheme == "file" else self

    def __str__(self) -> str:
        slashes = "" if self.scheme in ("file", "memory") else "//"
        return f"{self.scheme}:{slashes}{self.location}"


def parse_store_uri(text: str) -> StoreUri:
    """Read a ``store`` setting.

    Raises:
        ValueError: not one of the four forms; the message says what is wrong, in the operator's words.
    """
    scheme, colon, rest = text.partition(":")
    match scheme.lower() if colon else "":
        case "file":
            return _file(rest)
        case "s3":
            return _s3(text, rest)
        case "http" | "https":
            return _http(text)
        case "memory":
            if rest:
                raise ValueError(f"{text!r}: a memory store has no name, write memory:")
            return StoreUri("memory", "")
    raise ValueError(f"{text!r} names no store, expected {FORMS}")


def _file(rest: str) -> StoreUri:
    path = rest
    if rest.startswith("//"):  # file:///srv/photos, and file://localhost/srv/photos (RFC 8089 §2)
        host, slash, path = rest[2:].partition("/")
        path = slash + path
        if host not in ("", "localhost") or not path:
            raise ValueError(f"file:{rest} names another host; write file:DIR")
    if not path or "\0" in path:
        raise ValueError("file: needs a directory, such as file:photos")
    return StoreUri("file", path)


def _s3(text: str, rest: str) -> StoreUri:
    bucket = rest.removeprefix("//").removesuffix("/")
    if not rest.startswith("//") or not _BUCKET.fullmatch(bucket):
        raise ValueError(f"{text!r}: expected s3://BUCKET, a bucket's name (2 letters or more) and nothing after it")
    return StoreUri("s3", bucket)


def _http(text: str) -> StoreUri:
    if _UNPRINTABLE.search(text) or not text.isascii():
        raise ValueError(f"{text!r}: write spaces and non-ASCII characters percent-encoded, host names in punycode")
    try:
        parts = urlsplit(text)
        valid = bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise ValueError(f"{text!r} is not a URL with a host, expected http(s)://HOST/PREFIX/")
    if "@" in parts.netloc:
        raise ValueError("a URL with a user name or password is not accepted; use origin_headers for credentials")
    if "?" in text or "#" in text:
        raise ValueError(f"{text!r}: a prefix ends before any ? or #")
    if any(segment in (".", "..") for segment in parts.path.lower().replace("%2e", ".").split("/")):
        raise ValueError(f"{text!r}: a prefix has no . or .. segments")
    return StoreUri("https" if parts.scheme == "https" else "http", f"{parts.netloc}{parts.path.rstrip('/')}/")
