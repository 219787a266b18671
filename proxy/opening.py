"""Where a bucket's objects are: the store or origin that its configuration names, opened."""

from __future__ import annotations

from proxy.origins.http import HttpOrigin
from proxy.ports import Clock, Meter, Origin, Store
from proxy.settings import Bucket as BucketSettings
from proxy.settings import Settings
from proxy.stores.local import LocalStore
from proxy.stores.memory import MemoryStore
from proxy.stores.uri import parse_store_uri


def open_origin(uri_text: str, settings: BucketSettings, tree: Settings, meter: Meter, clock: Clock) -> Origin | Store:
    """The store or origin that *uri_text* names, with the bucket's own access to it."""
    uri = parse_store_uri(uri_text)
    if uri.scheme == "file":
        return LocalStore(uri.path)
    if uri.scheme == "memory":
        return MemoryStore(clock)
    if uri.scheme == "s3":
        from proxy.stores.s3 import S3Store  # deployments without S3 need not load it

        return S3Store(
            uri.bucket,
            endpoint=settings.endpoint,
            region=settings.region,
            virtual_hosted=settings.virtual_hosted,
            access_key_id=settings.access_key_id.get_secret_value(),
            secret_access_key=settings.secret_access_key.get_secret_value(),
            settings=tree.origins,
            meter=meter,
        )
    headers = {name: value.get_secret_value() for name, value in settings.origin_headers.items()}
    return HttpOrigin(
        uri.url,
        settings=tree.origins,
        headers=headers,
        allow_private=settings.allow_private,
        meter=meter,
        clock=clock,
    )
