"""The picture that is sent in place of an error, to whoever asked for a picture."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from urllib.parse import quote, unquote

from proxy.core.access.rules import DefaultImage
from proxy.core.freshness import error_cache_control
from proxy.core.query import asks_operation
from proxy.core.styles import Styles
from proxy.errors import MethodNotAllowed, MogrError
from proxy.formats import by_suffix
from proxy.service.bucket import Bucket
from proxy.web.ask import Asked, Asker
from proxy.web.dress import is_for_shared_caches
from proxy.web.reply import Reply
from proxy.web.request import EdgeRequest

Serve = Callable[[EdgeRequest, Bucket, str, Asked], Awaitable[Reply]]

# Of the default image and not of what was asked for: a browser that kept them would ask whether that is still so.
_OF_ANOTHER = frozenset(
    {"etag", "last-modified", "cache-control", "age", "expires", "accept-ranges", "content-disposition"}
)
_OF_THE_REQUEST = frozenset({
    "range", "if-range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since",
})  # fmt: skip


async def instead_of(
    error: MogrError, request: EdgeRequest, bucket: Bucket, asker: Asker, serve: Serve, error_ttl_s: float
) -> Reply | None:
    """The default image as *request* would have the picture; None: the error is to be sent.

    Missing pictures are replaced by one made with the same operation, so that pages keep their layout.  Those who may not
    have theirs get no operation of their own done, only a style, of which there are few.
    """
    image = bucket.rules.access.default_image
    if image is None or error.status not in image.statuses or not _wants_picture(request, bucket):
        return None
    # A 200, and every byte of it: what the request makes of conditions and ranges is about another picture.
    plain = {field: value for field, value in request.headers.items() if field not in _OF_THE_REQUEST}
    # The default image is everybody's, whatever the bucket asks of its other objects.
    own = replace(request, headers=plain, granted=True)
    if not _asks_picture(own, bucket, asker, image):
        return None
    for raw_query, name in _attempts(error, request, bucket.rules.styles, image):
        trusted = request.operation_signed or not asks_operation(raw_query)
        each = replace(own, raw_path=quote("/" + name).encode(), raw_query=raw_query, operation_signed=trusted)
        try:
            asked = asker.ask(each, bucket, name)
            key, asked = (image.key, asked) if name == image.key else _styled(asked)
            return _as(error, image, await serve(each, bucket, key, asked), error_ttl_s)
        except MogrError:
            continue
    return None


def _asks_picture(request: EdgeRequest, bucket: Bucket, asker: Asker, image: DefaultImage) -> bool:
    """Whether what is asked for is neither a report nor a code, which no picture can stand in for."""
    try:
        asked = asker.ask(request, bucket, image.key)
    except MogrError:
        return True
    return asked.code is None and (asked.question is None or asked.question.plan.report is None)


def _wants_picture(request: EdgeRequest, bucket: Bucket) -> bool:
    """Whether it is a picture that is asked for; what reads errors as COS sends them gets those."""
    if request.method not in MethodNotAllowed.allow or request.is_signed_as_cos:
        return False
    key = unquote(request.raw_path[1:])
    stem, dot, suffix = key.rpartition("/")[2].rpartition(".")
    if stem and dot and by_suffix("." + suffix) is not None:
        return True
    return asks_operation(request.raw_query) or bucket.rules.styles.asked_by(key, request.raw_query)


def _attempts(error: MogrError, request: EdgeRequest, styles: Styles, image: DefaultImage) -> list[tuple[bytes, str]]:
    """Queries and names to try, one after the other; a name is the image's key, perhaps with the style of the request's."""
    key = unquote(request.raw_path[1:])
    named = styles.split(key)
    name = image.key + key[len(named[0]) :] if named is not None else image.key
    raw_query = request.raw_query
    if error.status == 403 and (asks_operation(raw_query) or not styles.asked_by("", raw_query)):
        raw_query = b""
    attempts = [(raw_query, name), (b"", name), (b"", image.key)]
    return list(dict.fromkeys(attempts))


def _styled(asked: Asked) -> tuple[str, Asked]:
    if asked.styled is None:
        raise MogrError("the name of the default image with a style is another object's")
    return asked.styled.key, asked.styled.asked


def _as(error: MogrError, image: DefaultImage, reply: Reply, error_ttl_s: float) -> Reply:
    """*reply* as the answer to what failed with *error*: for as short a time, and under nobody else's validators."""
    reply.headers = [item for item in reply.headers if item[0] not in _OF_ANOTHER and not is_for_shared_caches(item[0])]
    reply.headers.append(("cache-control", error_cache_control(error.status, error_ttl_s)))
    if error.errno is not None:
        reply.headers.append(("x-errno", str(error.errno)))
    reply.status = 200 if image.as_200 else error.status
    return reply
