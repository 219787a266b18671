"""From the settings of a bucket to the rules that the service and the edge are given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from proxy.core.access.cdn import UrlSigning
from proxy.core.access.cors import Cors, Rule
from proxy.core.access.cos import SigningKey
from proxy.core.access.referers import Pattern, Referers
from proxy.core.access.rules import Access, DefaultImage
from proxy.core.blocking import Blocklist
from proxy.core.fields.cache_control import ResponseDirectives
from proxy.core.model import ImageLimits
from proxy.core.styles import Styles
from proxy.service.bucket import BucketRules
from proxy.settings import Bucket, Credential


def rules_of(name: str, own: Bucket, limits: ImageLimits, credentials: Sequence[Credential]) -> BucketRules:
    """The rules of the bucket called *name*."""
    told = {"cache-control": own.cache_control, "cdn-cache-control": own.cdn_cache_control}
    for_all = ResponseDirectives.parse(own.cache_control)
    if own.cdn_cache_control and for_all.max_age_s is None and not for_all.no_store:
        # What CDNs are told says nothing to browsers: without a lifetime of their own they would make one up.
        told["cache-control"] = replace(for_all, max_age_s=int(own.ttl_s)).format()
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
        access=_access(own, credentials),
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


def _access(own: Bucket, credentials: Sequence[Credential]) -> Access:
    referers, image = own.referers, own.default_image
    empty = referers.empty if referers.empty is not None else not referers.allow
    return Access(
        private=own.public == "private",
        keys={
            each.secret_id: SigningKey(each.secret_id, _plain(each.secret_key), _plain(each.security_token))
            for each in credentials
            if not own.signers or each.secret_id in own.signers
        },
        url_signing=_url_signing(own),
        referers=Referers(
            allow=tuple(map(Pattern.parse, referers.allow)), deny=tuple(map(Pattern.parse, referers.deny)), empty=empty
        ),
        styles_only=own.styles_only,
        cors=Cors(
            tuple(
                Rule(
                    origins=each.origins,
                    methods=each.methods,
                    headers=tuple(map(str.lower, each.headers)),
                    expose=each.expose,
                    max_age_s=each.max_age_s,
                    credentials=each.credentials,
                )
                for each in own.cors
            )
        ),
        rate_per_s=own.rate.requests_per_s if own.rate else None,
        rate_burst=own.rate.burst if own.rate else 1,
        default_image=None
        if image is None
        else DefaultImage(key=image.key, statuses=frozenset(image.statuses), as_200=image.as_200),
    )


def _url_signing(own: Bucket) -> UrlSigning | None:
    signature = own.url_signature
    if signature is None:
        return None
    return UrlSigning(
        type=signature.type,
        keys=tuple(filter(None, map(_plain, (signature.key, signature.backup_key)))),
        ttl_s=signature.ttl_s,
        parameter=signature.parameter,
        time_parameter=signature.time_parameter,
        time_format=signature.time_format,
    )


class _Secret(Protocol):
    def get_secret_value(self) -> str: ...


def _plain(secret: _Secret) -> str:
    return secret.get_secret_value()
