"""Where a mark is read from: a bucket of ours, found by a name that it answers to; no other host is ever asked.

A mark may come from the bucket of the picture, or by one of the ``mark_hosts`` of that bucket, which is the name of
another bucket of ours (one whose store is an HTTP origin, for marks that lie elsewhere).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from proxy.core.plan import Need
from proxy.errors import ClientError, InvalidMark
from proxy.service.bucket import Bucket
from proxy.service.deliver import Ingredient
from proxy.web.hosts import Buckets
from proxy.web.request import object_key

MAX_MARKS = 10
"""Image marks of one picture (CI 436/36373), those on its marks included."""


@dataclass(frozen=True, slots=True)
class Place:
    """A mark's bucket and key, and the query that says what becomes of it first."""

    bucket: Bucket
    key: str
    raw_query: bytes = b""


def locate(need: Need, bucket: Bucket, buckets: Buckets, *, trusted: bool = False) -> Place:
    """Where *need*, of a picture in *bucket*, is read from; *trusted*: by somebody who may read all of that.

    Raises:
        InvalidMark: it may not be read from there, or its URL has no key.
    """
    try:
        place = _by_url(need.url, bucket, buckets) if need.url else Place(bucket, _key(need.key.encode(), bucket))
    except ClientError as error:
        raise InvalidMark(str(error), public=f"The image of the watermark: {error.public}") from None
    access = place.bucket.rules.access
    if place.bucket is bucket:
        # Whoever may read the picture need not be allowed to read the mark, and no signature of a mark's URL is checked.
        hidden = access.needs_signature and not trusted
    else:
        hidden = access.needs_signature or access.styles_only
    if hidden:
        raise InvalidMark(public="The image of the watermark is in a private bucket.")
    return place


def check_number(inputs: Sequence[Ingredient]) -> None:
    """Raise InvalidMark if *inputs*, and what goes into them, are more than ``MAX_MARKS``."""
    if _number(inputs) > MAX_MARKS:
        raise InvalidMark(public=f"The picture has more than {MAX_MARKS} images as watermarks.")


def _number(inputs: Sequence[Ingredient]) -> int:
    return sum(1 + _number(each.question.inputs) for each in inputs)


def _by_url(url: str, bucket: Bucket, buckets: Buckets) -> Place:
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        raise InvalidMark(public="The URL of the watermark's image cannot be read.") from None
    found = buckets.named(host)
    if found is None or (found is not bucket and host not in bucket.rules.mark_hosts):
        raise InvalidMark(public="The image of the watermark is neither in the bucket nor on a host it allows.")
    path, query = parts.path.encode(), parts.query.encode()
    return Place(found, _key(path.removeprefix(b"/"), found, escaped=True), query)


def _key(text: bytes, bucket: Bucket, *, escaped: bool = False) -> str:
    plain = text if escaped else text.replace(b"%", b"%25")
    key = object_key(b"/" + plain, bucket.rules.persist_prefix)
    if not key:
        raise InvalidMark(public="The URL of the watermark's image names no object.")
    if bucket.rules.blocked.covers(key):
        raise InvalidMark(public="The image of the watermark is not available for legal reasons.")
    return key
