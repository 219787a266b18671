"""The one typed configuration tree.  ``proxy.configuration`` fills it; each room receives only its own branch.

The names are a contract with operators.  Paths are absolute once loaded; secrets are ``Secret`` and print as stars.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from proxy.core.model import ImageLimits

Port = Annotated[int, Field(ge=0, le=65535)]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Branch(BaseModel):
    """Frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Server(Branch):
    """The edge."""

    host: str = "127.0.0.1"
    port: Port = 8080
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    shutdown_s: Annotated[float, Field(gt=0, le=600)] = 10
    access_log: Literal["off", "json"] = "off"
    server_timing: bool = False
    trusted_proxies: tuple[Network, ...] = ()


class Admin(Branch):
    """The second listener: metrics, health, purge; never exposed through the CDN."""

    host: str = "127.0.0.1"
    port: Port = 9090
    token: SecretStr = SecretStr("")


class MemoryCache(Branch):
    max_bytes: Annotated[int, Field(ge=0)] = 268_435_456


class DiskCache(Branch):
    path: Path
    max_bytes: Annotated[int, Field(ge=1)] = 10_737_418_240
    source_share_ratio: Annotated[float, Field(ge=0, le=0.95)] = 0.5


class Cache(Branch):
    memory: MemoryCache = MemoryCache()
    disk: DiskCache | None = None


class Codec(Branch):
    """The pool of codec processes of the node."""

    workers: Annotated[int, Field(ge=0, le=256)] = 2
    deadline_s: Annotated[float, Field(gt=0, le=3600)] = 30
    queue_s: Annotated[float, Field(ge=0, le=3600)] = 10
    memory_bytes: Annotated[int, Field(ge=268_435_456)] = 4_294_967_296
    jobs_per_process: Annotated[int, Field(ge=1)] = 500


class Limits(Branch):
    """A profile's limits with single keys overridden; None takes the profile's value."""

    profile: Literal["classic", "ci-2026"] = "classic"
    max_source_bytes: Annotated[int | None, Field(ge=1)] = None
    max_side_px: Annotated[int | None, Field(ge=1)] = None
    max_pixels: Annotated[int | None, Field(ge=1)] = None
    max_frames: Annotated[int | None, Field(ge=1)] = None
    max_output_side_px: Annotated[int | None, Field(ge=1)] = None

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
    secret_id: str
    secret_key: SecretStr


class Origins(Branch):
    """How HTTP(S) origins are talked to."""

    connect_timeout_s: Annotated[float, Field(gt=0)] = 5
    read_timeout_s: Annotated[float, Field(gt=0)] = 10
    total_timeout_s: Annotated[float, Field(gt=0)] = 30
    max_connections: Annotated[int, Field(ge=1)] = 64
    max_redirects: Annotated[int, Field(ge=0, le=20)] = 5


class Bucket(Branch):
    """One bucket: where its objects are and how they are served."""

    hosts: tuple[str, ...] = ()
    default: bool = False
    store: str
    endpoint: str = ""
    region: str = ""
    virtual_hosted: bool = False
    access_key_id: SecretStr = SecretStr("")
    secret_access_key: SecretStr = SecretStr("")
    origin_headers: dict[str, SecretStr] = Field(default_factory=dict)
    allow_private: bool = False
    pass_through: bool = False
    public: Literal["read", "private"] = "read"
    negotiate: Literal["accept", "exact"] = "accept"
    formats: tuple[str, ...] = ("avif", "webp")
    auto_format: bool = False
    auto_orient: bool = False
    ttl_s: Annotated[float, Field(ge=0)] = 3600
    error_ttl_s: Annotated[float, Field(ge=0)] = 10
    persist: Literal["off", "read-through"] = "off"
    persist_prefix: str = ".mogr/"
    persist_store: str = ""


class Settings(Branch):
    """The tree."""

    server: Server = Server()
    admin: Admin = Admin()
    cache: Cache = Cache()
    codec: Codec = Codec()
    limits: Limits = Limits()
    origins: Origins = Origins()
    credentials: tuple[Credential, ...] = ()
    buckets: dict[str, Bucket] = Field(default_factory=dict)
