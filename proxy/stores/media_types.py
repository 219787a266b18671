"""What a key's suffix says of its media type, for objects that were stored without one."""

from __future__ import annotations

from mimetypes import MimeTypes

_IMAGES = {
    ".avif": "image/avif",
    ".avifs": "image/avif",
    ".heic": "image/heic",
    ".heics": "image/heic-sequence",
    ".heif": "image/heif",
    ".hif": "image/heif",
    ".jfif": "image/jpeg",
    ".jxl": "image/jxl",
    ".tpg": "image/tpg",
    ".webp": "image/webp",
}
_UNKNOWN = "application/octet-stream"
_PACKED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}

# Python's own table, the same on every machine: an instance does not read the system's mime.types.
_TYPES = MimeTypes()
for _suffix, _type in _IMAGES.items():
    _TYPES.add_type(_type, _suffix)


def media_type_of(key: str) -> str:
    """The media type by suffix; ``application/octet-stream`` if it says nothing."""
    name = key.rpartition("/")[2]
    # Only the name is passed, after a dot-slash: guess_type reads its argument as a URL, "data:" among them.
    media_type, packed = _TYPES.guess_type(f"./{name}")
    return _PACKED.get(packed, _UNKNOWN) if packed else media_type or _UNKNOWN
