"""Which bucket a request is for: by its Host, as COS does it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from proxy.errors import NoSuchBucket
from proxy.service.bucket import Bucket

_ENDPOINTS = (".cos.", ".cos-", ".pic.", ".ci.")


class Buckets:
    """The buckets by every name they answer to."""

    def __init__(self, buckets: Iterable[tuple[Bucket, Iterable[str], bool]]) -> None:
        """*buckets*: each with its own host names and whether it answers any other Host."""
        self._by_host: dict[str, Bucket] = {}
        self._by_name: dict[str, Bucket] = {}
        self._default: Bucket | None = None
        for bucket, hosts, default in buckets:
            self._by_name[bucket.rules.name] = bucket
            self._by_host.update(dict.fromkeys(hosts, bucket))
            if default:
                self._default = bucket

    @property
    def by_name(self) -> Mapping[str, Bucket]:
        return self._by_name

    def by_key(self, name: str) -> Bucket:
        """The bucket that keys are meant in: *name*, or, where that is empty, the one that needs no name.

        Raises:
            NoSuchBucket: there is none, or it cannot be told.
        """
        only = next(iter(self._by_name.values())) if len(self._by_name) == 1 else None
        found = self._by_name.get(name) if name else self._default or only
        if found is None:
            raise NoSuchBucket
        return found

    def find(self, host: str) -> Bucket:
        """The bucket for *host* (lower case, no port).

        Raises:
            NoSuchBucket: no bucket of ours, and none answers any Host.
        """
        found = self.named(host) or self._default
        if found is None:
            raise NoSuchBucket
        return found

    def named(self, host: str) -> Bucket | None:
        """The bucket that *host* names; None if it names none, whatever answers it.

        ``<bucket>.cos.<region>.…`` names a bucket whatever follows: the domain is the operator's business.
        """
        found = self._by_host.get(host)
        if found is not None:
            return found
        for endpoint in _ENDPOINTS:
            name, at, rest = host.partition(endpoint)
            if at and rest and name in self._by_name:
                return self._by_name[name]
        return None
