"""What one bucket's settings come to for the service."""

from __future__ import annotations

from proxy.core.blocking import Blocklist
from proxy.core.model import ImageLimits
from proxy.core.styles import Styles
from proxy.service.bucket import BucketRules
from proxy.settings import Bucket as BucketSettings


def rules_of(name: str, own: BucketSettings, limits: ImageLimits) -> BucketRules:
    told = {"cache-control": own.cache_control, "cdn-cache-control": own.cdn_cache_control}
    return BucketRules(
        name=name,
        negotiate=own.negotiate,
        formats=own.formats,
        auto_format=own.auto_format,
        auto_orient=own.auto_orient,
        keep_copyright=own.copyright == "keep",
        preset=own.preset,
        client_hints=own.client_hints,
        styles=Styles(texts=own.styles, separators=own.style_separators),
        private=own.public == "private",
        first_answer_s=own.first_answer_ms / 1000,
        ttl_s=own.ttl_s,
        lifetime={field: text for field, text in told.items() if text},
        error_ttl_s=own.error_ttl_s,
        persist_prefix=own.persist_prefix,
        mark_hosts=frozenset(own.mark_hosts),
        limits=limits,
        blocked=Blocklist(own.blocked),
        tags=own.tags,
    )
