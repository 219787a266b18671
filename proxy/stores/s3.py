"""A bucket of an S3-compatible service as a store, through obstore.

obstore is imported with the first store, not with this module.  What it cannot do is decided here: keys it cannot name
do not exist, ``head`` goes through ``get`` (its own drops metadata), and a range outside the object is recognised by
asking for the size, since obstore has no class for it and its error text is not for reading.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from proxy.core.model import Validators
from proxy.errors import InternalError, MogrError, NoSuchKey, OriginUnavailable
from proxy.exchanges import Tally
from proxy.ports import Meter, ObjectInfo, ObjectStream, Unchanged
from proxy.settings import Origins
from proxy.stores.s3_stream import NO_METADATA, NotModified, S3Stream, info_of, translated
from proxy.stores.streams import part_of

if TYPE_CHECKING:
    from obstore import GetOptions, GetResult, OffsetRange, SuffixRange
    from obstore.store import S3Config, S3Credential

_UNNAMEABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_METADATA_VALUE = re.compile(r"[\x20-\x7e]*")
# An async call of obstore as the last act of a process aborts it in half of the runs; none of 20 did after this pause.
_SETTLE_S = 0.05


class S3Store:
    """Reads and writes one bucket; connects when first used.

    Without keys requests are not signed.  With *virtual_hosted* the bucket's name is put before *endpoint*'s host, unless
    it stands there already.  The endpoint is configured, so it is trusted: it may be on a private address.
    """

    def __init__(
        self,
        bucket: str,
        *,
        endpoint: str,
        region: str,
        virtual_hosted: bool,
        access_key_id: str,
        secret_access_key: str,
        settings: Origins,
        meter: Meter,
    ) -> None:
        """Nothing is connected yet.

        Raises:
            ValueError: the endpoint is no http(s) URL, or only one of the two keys is given.
        """
        import obstore
        from obstore.store import S3Store as Client

        if bool(access_key_id) != bool(secret_access_key):
            raise ValueError("access_key_id and secret_access_key belong together")
        # Everything said here is said in full: obstore fills gaps from AWS_* variables, a session token among them.
        config: S3Config = {
            "region": region or "us-east-1",
            "virtual_hosted_style_request": virtual_hosted,
            "skip_signature": not access_key_id,
        }
        if endpoint:
            endpoint = endpoint_of(bucket, endpoint, virtual_hosted=virtual_hosted)
            config["endpoint"] = config["aws_endpoint_url_s3"] = endpoint
        credential: S3Credential = {
            "access_key_id": access_key_id, "secret_access_key": secret_access_key, "token": None, "expires_at": None,
        }  # fmt: skip
        self._obstore = obstore
        self._settings = settings
        self._meter = meter
        self._client = Client(
            bucket,
            config=config,
            credential_provider=(lambda: credential) if access_key_id else None,
            client_options={
                "allow_http": endpoint.startswith("http:"),
                "connect_timeout": timedelta(seconds=settings.connect_timeout_s),
                "timeout": timedelta(days=1),  # it would bound the whole body: ours are below
            },
            retry_config={
                "max_retries": 2,
                "retry_timeout": timedelta(seconds=settings.total_timeout_s),
                "backoff": {
                    "init_backoff": timedelta(milliseconds=100),
                    "max_backoff": timedelta(seconds=1),
                    "base": 2,
                },
            },
        )

    async def open(
        self, key: str, *, since: Validators | None = None, byte_range: tuple[int, int | None] | None = None
    ) -> ObjectStream | Unchanged:
        """As ``ports.Origin.open``."""
        tally = Tally(self._meter)
        try:
            result = await self._get_part(key, _conditions(since), byte_range)
        except NotModified:
            tally.end("unchanged")
            return Unchanged(info=ObjectInfo(validators=since or Validators()))
        except MogrError as error:
            tally.failed(error)
            raise
        ranged, read_timeout_s = byte_range is not None, self._settings.read_timeout_s
        return S3Stream(result, ranged=ranged, read_timeout_s=read_timeout_s, tally=tally)

    async def head(self, key: str) -> tuple[ObjectInfo, int | None]:
        """As ``ports.Origin.head``."""
        result = await self._get(key, {"head": True})
        return info_of(result), result.meta["size"]

    async def put(
        self, key: str, body: bytes, *, media_type: str | None = None, metadata: Mapping[str, str] | None = None
    ) -> Validators:
        """As ``ports.Store.put``; one request, so it is atomic.

        Raises:
            InternalError: *metadata* is not printable ASCII, which is all that header fields can carry.
        """
        attributes = dict(metadata or {})
        if any(
            name in NO_METADATA or not _METADATA_VALUE.fullmatch(name + value) for name, value in attributes.items()
        ):
            raise InternalError(f"metadata that a header cannot carry: {attributes!r}")
        if media_type:
            attributes["Content-Type"] = media_type
        with translated(_nameable(key)):
            async with asyncio.timeout(self._settings.total_timeout_s):
                done = await self._obstore.put_async(
                    self._client, key, body, attributes=attributes, use_multipart=False
                )
        return Validators(etag=done["e_tag"] or None, size_bytes=len(body))

    async def delete(self, key: str) -> None:
        """As ``ports.Store.delete``."""
        try:
            with translated(_nameable(key)):
                async with asyncio.timeout(self._settings.total_timeout_s):
                    await self._obstore.delete_async(self._client, key)
        except NoSuchKey:
            return

    async def keys(self, prefix: str) -> AsyncIterator[str]:
        """As ``ports.Store.keys``."""
        with translated(prefix):
            pages = aiter(self._obstore.list(self._client, prefix=prefix or None, chunk_size=1000))
            while True:
                async with asyncio.timeout(self._settings.total_timeout_s):
                    page = await anext(pages, None)
                if page is None:
                    return
                for each in page:
                    yield each["path"]

    async def aclose(self) -> None:
        """Let what was under way settle, so that the process may end next."""
        await asyncio.sleep(_SETTLE_S)

    async def _get(self, key: str, options: GetOptions) -> GetResult:
        with translated(_nameable(key)):
            async with asyncio.timeout(self._settings.total_timeout_s):
                return await self._obstore.get_async(self._client, key, options=options)

    async def _get_part(self, key: str, options: GetOptions, byte_range: tuple[int, int | None] | None) -> GetResult:
        if byte_range is None:
            return await self._get(key, options)
        try:
            return await self._get(key, {**options, "range": _range(byte_range)})
        except OriginUnavailable:
            _, size_bytes = await self.head(key)
            if part_of(byte_range, size_bytes or 0) is not None:
                raise
            return await self._get(key, options)  # the end of an empty object is all of it (RFC 9110 §14.1.2)


def endpoint_of(bucket: str, endpoint: str, *, virtual_hosted: bool) -> str:
    """*endpoint* as obstore wants it: with the bucket in the host where requests are virtual-hosted.

    Raises:
        ValueError: it is no http(s) URL.
    """
    parts = urlsplit(endpoint)
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.query
        or parts.fragment
        or "@" in parts.netloc
    ):
        raise ValueError(f"endpoint {endpoint!r}: expected http(s)://HOST")
    named = not virtual_hosted or parts.netloc.startswith(f"{bucket}.")
    return f"{parts.scheme}://{'' if named else f'{bucket}.'}{parts.netloc}{parts.path.rstrip('/')}"


def _nameable(key: str) -> str:
    """*key*, if obstore would send exactly that: it drops outer slashes and cannot parse what is refused here."""
    if _UNNAMEABLE.search(key) or any(step in ("", ".", "..") for step in key.split("/")):
        raise NoSuchKey(f"a key that cannot be named: {key!r}")
    return key


def _conditions(since: Validators | None) -> GetOptions:
    if since is not None and since.etag:
        return {"if_none_match": since.etag}
    if since is not None and since.last_modified_s is not None:
        return {"if_modified_since": datetime.fromtimestamp(since.last_modified_s, UTC)}
    return {}


def _range(byte_range: tuple[int, int | None]) -> tuple[int, int] | OffsetRange | SuffixRange:
    first, last = byte_range
    if first < 0:
        return {"suffix": -first}
    return {"offset": first} if last is None else (first, last + 1)
