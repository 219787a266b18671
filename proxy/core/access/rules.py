"""What a bucket asks of requests before it answers them, in one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from proxy.core.access.cdn import UrlSigning
from proxy.core.access.cors import Cors
from proxy.core.access.cos import SigningKey
from proxy.core.access.referers import Referers


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultImage:
    """The picture that is sent in place of an error."""

    key: str
    statuses: frozenset[int] = frozenset({403, 404})
    as_200: bool = False
    """Whether it is sent with status 200 instead of the error's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The rules of one bucket."""

    private: bool = False
    """Only signed requests are answered."""
    keys: Mapping[str, SigningKey] = field(default_factory=dict, repr=False)
    """Who may sign, by ``secret_id``."""
    url_signing: UrlSigning | None = None
    """Set: only requests that are signed, this way or with one of ``keys``, are answered."""
    referers: Referers = field(default_factory=Referers)
    styles_only: bool = False
    cors: Cors = field(default_factory=Cors)
    rate_per_s: float | None = None
    """Requests of one client; None: as many as it likes."""
    rate_burst: int = 1
    default_image: DefaultImage | None = None

    @property
    def needs_signature(self) -> bool:
        return self.private or self.url_signing is not None

    admits_all: bool = field(init=False)
    """Whether an unsigned request is answered whoever sends it, and the answer is the same for everybody but for ``cors``."""

    def __post_init__(self) -> None:
        referers = self.referers.allow or self.referers.deny
        asks = self.needs_signature or self.styles_only or referers or self.rate_per_s is not None
        object.__setattr__(self, "admits_all", not asks)
