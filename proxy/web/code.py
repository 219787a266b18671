"""Answers of ``ci-process=qrcode-generate``: a code as a PNG, inside of XML (spec/01 §14)."""

from __future__ import annotations

import base64

from proxy.core.fields.cache_status import CacheStatus
from proxy.core.keys import entity_tag
from proxy.core.xml import document, element
from proxy.service.bucket import Bucket
from proxy.web.conditions import not_modified
from proxy.web.image import NOSNIFF, POLICY
from proxy.web.reply import Reply
from proxy.web.request import EdgeRequest

_STATUS = CacheStatus(fwd="miss", stored=False).format()


def code_reply(request: EdgeRequest, bucket: Bucket, png: bytes) -> Reply:
    """200 or 304; the URL alone decides what it is, so it lives as long as the bucket lets things live.

    Raises:
        PreconditionFailed: as the request's own conditions demand.
    """
    body = document(element("Response", element("ResultImage", base64.b64encode(png).decode())))
    etag = entity_tag(body)
    headers = [
        ("cache-control", f"public, max-age={int(bucket.rules.ttl_s)}"),
        ("etag", etag),
        ("cache-status", _STATUS),
    ]
    if not_modified(request, etag=etag, last_modified_s=None):
        return Reply(status=304, headers=headers, kind="rendition", cache=_STATUS)
    headers += [NOSNIFF, POLICY, ("content-type", "application/xml")]
    return Reply(status=200, headers=headers, body=body, kind="rendition", cache=_STATUS)
