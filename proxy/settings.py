"""The one typed configuration tree.  ``proxy.configuration`` fills it; each room receives only its own branch.

The names are a contract with operators.  Paths are absolute once loaded; secrets are ``Secret`` and print as stars.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from proxy.access_settings import CorsRule, DefaultImage, Rate, Referers, UrlSignature
from proxy.branch import Branch
from proxy.core.model import ImageLimits, Preset

Port = Annotated[int, Field(ge=0, le=65535)]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Server(Branch):
    """The edge."""

    host: str = "127.0.0.1"
    """Address or host name to listen on; ``0.0.0.0`` is every IPv4 address, ``::`` every IPv6 one."""
    port: Port = 8080
    """Port to listen on; 0 takes a free one."""
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """Web processes.  They share the listening socket, the disk tier and the codec processes."""
    shutdown_s: Annotated[float, Field(gt=0, le=600)] = 10
    """How long SIGTERM lets requests under way finish before the process ends."""
    slow_client_s: Annotated[float, Field(gt=0, le=3600)] = 60
    """For how long a client may take less of an answer than ``slow_client_bytes_per_s``; then it is disconnected."""
    slow_client_bytes_per_s: Annotated[int, Field(ge=0)] = 240
    """On average; 0 lets clients read as slowly as they like, also not at all."""
    access_log: Literal["off", "json"] = "off"
    """``json``: one line per request on standard error."""
    server_timing: bool = False
    """Whether answers say in ``Server-Timing`` how long fetching, waiting, decoding and encoding took."""
    trusted_proxies: tuple[Network, ...] = ()
    """Networks whose ``X-Forwarded-*`` and ``X-Img-Accept`` fields are believed."""


class Admin(Branch):
    """The second listener: metrics, health, purge; never exposed through the CDN."""

    host: str = "127.0.0.1"
    """Address or host name to listen on."""
    port: Port = 9090
    """Port to listen on; 0 takes a free one."""
    token: SecretStr = SecretStr("")
    """Bearer token for anything that changes state; without one, such requests are refused."""


class MemoryCache(Branch):
    """The memory tier: what was sent lately, in each web process."""

    max_bytes: Annotated[int, Field(ge=0)] = 268_435_456
    """Per node, divided among the web workers, but for a sixteenth that several of them have in common, for what was made lately;
    0 switches the tier off."""

    def shared_bytes(self, workers: int) -> int:
        """Of ``max_bytes``, what so many web workers have in common (``caches.recent``)."""
        return self.max_bytes // 16 if workers > 1 else 0


class DiskCache(Branch):
    """The disk tier: renditions and fetched originals, kept over restarts."""

    path: Path
    """Directory, made if absent; without it there is no disk tier.  Per node, shared by the web workers."""
    max_bytes: Annotated[int, Field(ge=1)] = 10_737_418_240
    """What the whole directory may hold."""
    source_share_ratio: Annotated[float, Field(ge=0, le=0.95)] = 0.5
    """Share of ``max_bytes`` for what origins sent (originals, and answers of ``pass_through``); the rest is for renditions."""
    originals: Literal["again", "always"] = "again"
    """When an original is written: if a second picture is made of it (which may take a second fetch), or as soon as it was fetched."""

    def shares(self) -> tuple[tuple[Path, int], tuple[Path, int]]:
        """Directory and bytes of the renditions' share and of the originals': neither can push the other out."""
        originals_bytes = int(self.max_bytes * self.source_share_ratio)
        return (
            (self.path / "renditions", self.max_bytes - originals_bytes),
            (self.path / "originals", max(1, originals_bytes)),
        )


class Cache(Branch):
    memory: MemoryCache = MemoryCache()
    disk: DiskCache | None = None
    purge_poll_s: Annotated[float, Field(ge=0)] = 5
    """How often each web worker looks into the buckets with ``persist`` for purges of other replicas; 0: never."""
    max_answer_bytes: Annotated[int, Field(ge=0)] = 33_554_432
    """Longest body that is kept of what ``pass_through`` forwards; longer ones go through unkept."""


class Codec(Branch):
    """The pool of codec processes of the node."""

    workers: Annotated[int, Field(ge=0, le=256)] = 2
    """Codec processes per node, one picture each at a time; 0 is one per core."""
    deadline_s: Annotated[float, Field(gt=0, le=3600)] = 30
    """What one picture may take, from its codec place to its bytes; then its process is stopped."""
    queue_s: Annotated[float, Field(ge=0, le=3600)] = 10
    """Predicted seconds of waiting work per codec process before requests get 503 with ``Retry-After``."""
    memory_bytes: Annotated[int, Field(ge=268_435_456)] = 4_294_967_296
    """Address space that one codec process may take beyond what it starts with; a picture that needs more fails."""
    jobs_per_process: Annotated[int, Field(ge=1)] = 5000
    """A codec process is replaced after so many pictures, or once it holds much more address space than it began with."""
    nice: Annotated[int, Field(ge=0, le=19)] = 15
    """By how much codec processes are nicer than web workers (``nice``), which then get a core at once when both want it."""
    jemalloc: bool = True
    """Whether codec processes allocate with jemalloc where it is installed (Debian: ``libjemalloc2``); it holds less memory."""
    fonts: tuple[Path, ...] = ()
    """Font files, or directories of them, for ``watermark/2``, besides the bundled one and Debian's fonts-noto-cjk."""


class Limits(Branch):
    """A profile's limits, with single keys overridden: one that is absent has the profile's value."""

    profile: Literal["classic", "ci-2026"] = "classic"
    """``classic``: 32 MiB in, 30,000 px a side, 250 Mpx (times frames), 300 frames, and 9,999 px a side out.
    ``ci-2026``: 50,000 px a side in, no limit of its own for the side out, size parameters over 10,000 are read as
    10,000."""
    max_source_bytes: Annotated[int | None, Field(ge=1)] = None
    """Largest original that is decoded; plain downloads of any size are served."""
    max_side_px: Annotated[int | None, Field(ge=1)] = None
    """Largest width and height of an original."""
    max_pixels: Annotated[int | None, Field(ge=1)] = None
    """Largest width x height x frames, of the original and of every result."""
    max_frames: Annotated[int | None, Field(ge=1)] = None
    """Most frames of an animation."""
    max_output_side_px: Annotated[int | None, Field(ge=1)] = None
    """Largest width and height of a result; more is an error."""

    def image_limits(self) -> ImageLimits:
        """The effective limits (spec: CI 460/36620 for ``ci-2026``, the older pages for ``classic``)."""
        base = (
            ImageLimits()
            if self.profile == "classic"
            else ImageLimits(max_side_px=50_000, max_output_side_px=None, clamp_parameters_px=10_000)
        )
        own = self.model_dump(exclude={"profile"}, exclude_none=True)
        return ImageLimits(
            max_source_bytes=own.get("max_source_bytes", base.max_source_bytes),
            max_side_px=own.get("max_side_px", base.max_side_px),
            max_pixels=own.get("max_pixels", base.max_pixels),
            max_frames=own.get("max_frames", base.max_frames),
            max_output_side_px=own.get("max_output_side_px", base.max_output_side_px),
            clamp_parameters_px=base.clamp_parameters_px,
        )


class Credential(Branch):
    """Who may sign requests."""

    secret_id: str
    """Names the signer, as ``q-ak`` does in a signed request."""
    secret_key: SecretStr
    """What the signer signs with."""
    security_token: SecretStr = SecretStr("")
    """Of a temporary key: what its requests carry in ``x-cos-security-token`` besides."""


class Origins(Branch):
    """How HTTP(S) origins are talked to."""

    connect_timeout_s: Annotated[float, Field(gt=0)] = 5
    """For a connection to be made."""
    read_timeout_s: Annotated[float, Field(gt=0)] = 10
    """For the next bytes to arrive."""
    total_timeout_s: Annotated[float, Field(gt=0)] = 30
    """For an answer to begin, redirects included; a body may take longer as long as 64 KiB arrive a second."""
    max_connections: Annotated[int, Field(ge=1)] = 64
    """Connections per origin and web worker."""
    fetch_bytes: Annotated[int, Field(ge=1)] = 268_435_456
    """Bytes of originals that one web worker fetches at a time; more wait.  One original is always let through.  With
    ``pass_through`` a quarter of it is for answers on their way into the cache."""
    max_redirects: Annotated[int, Field(ge=0, le=20)] = 5
    """Redirects that are followed, each checked like the first address."""


class Bucket(Branch):
    """One bucket: where its objects are and how they are served."""

    hosts: tuple[str, ...] = ()
    """Host names that mean this bucket, besides ``<bucket>.cos.<region>.…``."""
    default: bool = False
    """Whether this bucket answers every Host that names no other; at most one bucket may."""
    store: str
    """Where the objects are: ``file:DIR`` (links in it are not followed), ``s3://BUCKET``, ``http(s)://HOST/PREFIX/`` (a
    read-only origin) or ``memory:`` (each web worker's own)."""
    endpoint: str = ""
    """S3: URL of the service; empty for AWS."""
    region: str = ""
    """S3: region that requests are signed for; empty is ``us-east-1``."""
    virtual_hosted: bool = False
    """S3: whether the bucket is part of the host name, as COS requires."""
    access_key_id: SecretStr = SecretStr("")
    """S3: with ``secret_access_key``; without both, requests are not signed."""
    secret_access_key: SecretStr = SecretStr("")
    """S3: see ``access_key_id``."""
    origin_headers: dict[str, SecretStr] = Field(default_factory=dict)
    """HTTP(S): header fields sent to the origin with every request; all values are secrets."""
    allow_private: bool = False
    """HTTP(S): whether the origin may be on a private or loopback address; link-local ones stay closed."""
    pass_through: bool = False
    """HTTP(S): whether what is no picture operation is forwarded to the origin, any method and any
    type, through a shared HTTP cache."""
    public: Literal["read", "private"] = "read"
    """``private``: only signed requests are answered (docs/access.md)."""
    signers: tuple[str, ...] = ()
    """``secret_id`` of those of ``[[credentials]]`` whose signatures hold here; empty: all of them."""
    url_signature: UrlSignature | None = None
    referers: Referers = Referers()
    styles_only: bool = False
    """Whether unsigned requests get nothing but styles: neither originals nor operations of their own."""
    rate: Rate | None = None
    cors: tuple[CorsRule, ...] = ()
    default_image: DefaultImage | None = None
    negotiate: Literal["accept", "exact"] = "accept"
    """``accept``: a format the client does not accept is replaced by one it does.  ``exact``: the URL alone decides,
    as at CI."""
    formats: tuple[str, ...] = ("avif", "webp")
    """Formats that negotiation may choose, best first."""
    first_answer_ms: Annotated[float, Field(ge=0)] = 300
    """When a picture is predicted to take longer, a client whose Accept names alternatives gets one of those at once, for a
    short while, and the asked one is made in the background; 0: every client waits."""
    auto_format: bool = False
    """Whether a GET of a picture without ``format/…`` behaves as ``format/auto``."""
    auto_orient: bool = False
    """Whether every operation turns the picture upright by EXIF first."""
    copyright: Literal["drop", "keep"] = "drop"
    """``keep``: ``strip`` and ``format/auto``, which drop metadata, leave the EXIF tags Copyright and Artist."""
    preset: Preset = "realtime"
    """How long encoders may search for fewer bytes at the same quality: ``realtime`` is for pictures that somebody waits for;
    docs/benchmarks.md tells what ``balanced`` and ``best`` gain and cost."""
    client_hints: bool = False
    """Whether ``dpr/auto`` follows ``Sec-CH-DPR``, ``thumbnail/auto`` ``Sec-CH-Width``, and ``format/auto`` heeds
    ``Save-Data``."""
    styles: dict[str, str] = Field(default_factory=dict)
    """Operations by name, at most 100: ``small = "imageMogr2/thumbnail/!50p"`` answers ``/a.jpg!small``, ``/a.jpg?small`` and
    ``/a.jpg?style/small``."""
    style_separators: str = "!"
    """What may stand between a key and a style: any of ``-_/!``; empty: styles are asked for in the query alone."""
    mark_hosts: tuple[str, ...] = ()
    """Hosts of other buckets here that ``watermark/1`` may take its image from, besides the bucket itself."""
    blocked: tuple[str, ...] = ()
    """Keys that are answered 451, whatever is kept of them and whatever is asked: ``"a/b.jpg"``, or ``"a/*"`` for all that begin
    with ``a/``.  A reload (SIGHUP) is enough."""
    tags: bool = True
    """Whether answers carry ``Surrogate-Key`` and ``Cache-Tag``: the bucket's name, one for the object, and the origin's own."""
    ttl_s: Annotated[float, Field(ge=0)] = 3600
    """Freshness where the origin gives none: of renditions, and of objects in file, s3 and memory stores; of what passes
    through, the longest that is guessed."""
    cache_control: str = ""
    """``Cache-Control`` of what the origin gives no lifetime, and of its renditions: ``"max-age=600, immutable"``; ``ttl_s``
    counts where it names none either."""
    cdn_cache_control: str = ""
    """Likewise ``CDN-Cache-Control``, which this cache and those of CDNs heed in place of ``Cache-Control`` (RFC 9213):
    ``"max-age=86400, stale-while-revalidate=60, stale-if-error=86400"``.  Browsers keep to ``cache_control``, or ``ttl_s``."""
    error_ttl_s: Annotated[float, Field(ge=0)] = 10
    """How long an error about an original is remembered."""
    persist: Literal["off", "read-through"] = "off"
    """``read-through``: renditions are kept in the store, for every replica."""
    persist_prefix: str = ".mogr/"
    """Key prefix below which renditions are kept; nothing below it is reachable by URL."""
    persist_store: str = ""
    """Where renditions are kept instead of the store itself; required where that is read-only."""


class Redis(Branch):
    """What replicas tell each other: whose turn it is to make a picture that goes into a shared bucket (``persist``), and what was
    purged.  Without it, or while it does not answer, some pictures are made more than once (docs/redis.md).
    """

    url: SecretStr = SecretStr("")
    """``redis://[user:password@]host[:port][/database]``, ``rediss://…`` for TLS, or ``unix:///path``; empty: none."""
    prefix: str = "mogr:"
    """What our keys there begin with; one of its own for each set of replicas that serve the same buckets."""
    timeout_ms: Annotated[float, Field(gt=0, le=10_000)] = 100
    """The longest that a request waits for one answer of it."""
    retry_s: Annotated[float, Field(gt=0, le=3600)] = 5
    """How long it is not asked any more after it failed to answer."""


class Settings(Branch):
    """The tree."""

    server: Server = Server()
    admin: Admin = Admin()
    cache: Cache = Cache()
    codec: Codec = Codec()
    limits: Limits = Limits()
    origins: Origins = Origins()
    redis: Redis = Redis()
    credentials: tuple[Credential, ...] = ()
    buckets: dict[str, Bucket] = Field(default_factory=dict)
