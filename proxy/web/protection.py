"""Buckets with ``styles_only``: unsigned requests get styles, and neither originals nor operations of their own (CI: 原图保护)."""

from __future__ import annotations

from proxy.core.access.refusals import StylesOnly
from proxy.core.query import split_query
from proxy.service.bucket import Bucket, BucketRules
from proxy.web.ask import Asked
from proxy.web.request import EdgeRequest

_STYLE = "style/"


def is_protected(request: EdgeRequest, bucket: Bucket) -> bool:
    """Whether *request* gets nothing but styles."""
    return bucket.rules.access.styles_only and not request.granted


def only_styles(request: EdgeRequest, rules: BucketRules, key: str, asked: Asked) -> tuple[str, Asked]:
    """The key and the reading of it that may be answered: one that names a style, and nothing beside it.

    An object whose own key ends as a style's would is an original: it does not count here.

    Raises:
        StylesOnly: there is no such reading.
        InvalidArgument, InvalidUri: as ``split_query``.
    """
    query = split_query(request.raw_query)
    if query.process is not None:
        raise StylesOnly
    named = [name for name in query.styles if name in rules.styles.texts]
    if query.operation is not None:
        if not query.operation.startswith(_STYLE) or "|" in query.operation:
            raise StylesOnly
        named.append(query.operation)
    if named:
        return key, asked
    if asked.styled is None:
        raise StylesOnly
    return asked.styled.key, asked.styled.asked
