"""What encodings were found to score (``quality/auto``), remembered per picture and format: in memory, on disk, and in a bucket.

Kept like the pictures themselves: a record says of which version of the source it is and from when, so that it counts until
the source changes or a purge means it.  One that does not count is made anew and written over.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from proxy.core.model import Provenance, Rendition
from proxy.core.purges import Ledger, Standing
from proxy.core.scores import Measurement
from proxy.ports import Cache, CacheEntry
from proxy.service.bucket import Bucket
from proxy.service.persisted import read_score, write_score
from proxy.service.records import Facts, provenance_from_json, provenance_to_json
from proxy.service.shelf import Shelf

_MAX_ENTRIES = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What was found of one version of a source."""

    measurement: Measurement | None
    """None: nothing can be found, and the average has to do."""
    identity: str
    """Of the version (``Validators.identity``)."""
    provenance: Provenance

    def to_json(self) -> dict[str, object]:
        measurement = None if self.measurement is None else asdict(self.measurement)
        return {"measurement": measurement, "identity": self.identity, "of": provenance_to_json(self.provenance)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Score | None:
        """What ``to_json`` wrote; None for what is none of ours."""
        provenance = provenance_from_json(record.get("of"))
        try:
            measurement = Measurement.read(record["measurement"])
            return None if provenance is None else cls(
                measurement=measurement, identity=str(record["identity"]), provenance=provenance
            )  # fmt: skip
        except (KeyError, TypeError, ValueError):
            return None


class Measured:
    """The scores that one web worker knows of."""

    def __init__(self, *, disk: Cache | None, shelf: Shelf, ledger: Ledger) -> None:
        self._disk = disk
        self._shelf = shelf
        self._ledger = ledger
        self._scores: OrderedDict[str, Score] = OrderedDict()
        self._changes = 0

    @property
    def generation(self) -> tuple[int, int]:
        """Another one as soon as anything that is known may be otherwise."""
        return self._changes, self._ledger.generation

    def known(self, key: str, facts: Facts, plan_text: str) -> Score | None:
        """What is known under *key* (``core.keys.score_key``), if it counts for who asks for *plan_text*; no waiting."""
        found = self._scores.get(key)
        return found if found is not None and self._counts(found, facts, plan_text) else None

    async def recall(self, bucket: Bucket, key: str, rendition: Rendition, facts: Facts, plan_text: str) -> bool:
        """Look on disk and in the bucket too; whether something was found, which is known from then on.

        *rendition*: what is measured.
        """
        found: Score | None = None
        if self._disk is not None:
            entry = await self._disk.get(key)
            found = Score.from_json(entry.meta) if entry is not None else None
            found = found if found and self._counts(found, facts, plan_text) else None
        if found is None and bucket.persist is not None:
            found = Score.from_json(await read_score(bucket.persist, bucket.rules.persist_prefix, rendition))
            found = found if found and self._counts(found, facts, plan_text) else None
            if found is not None:
                self._to_disk(key, found)
        if found is None:
            return False
        self.learn(key, found)
        return True

    def keep(self, bucket: Bucket, key: str, rendition: Rendition, score: Score) -> None:
        """Remember *score* everywhere, the slower places behind the response."""
        self.learn(key, score)
        self._to_disk(key, score)
        if bucket.persist is not None:
            write_score(self._shelf, bucket.persist, bucket.rules.persist_prefix, rendition, score.to_json())

    def learn(self, key: str, score: Score) -> None:
        """Remember *score* in memory alone."""
        self._scores[key] = score
        self._scores.move_to_end(key)
        self._changes += 1
        while len(self._scores) > _MAX_ENTRIES:
            self._scores.popitem(last=False)

    def forget(self, condition: Callable[[Provenance], bool]) -> int:
        """Drop from memory what *condition* is true of; how many."""
        gone = [key for key, score in self._scores.items() if condition(score.provenance)]
        for key in gone:
            del self._scores[key]
        self._changes += bool(gone)
        return len(gone)

    def _to_disk(self, key: str, score: Score) -> None:
        self._shelf.put(self._disk, key, CacheEntry(meta=score.to_json(), body=b""))

    def _counts(self, score: Score, facts: Facts, plan_text: str) -> bool:
        if score.identity != facts.validators.identity:
            return False
        if not self._ledger.generation:
            return True
        # A purge of one URL means what was found for it, too, though it may have been found for a target nearby.
        copies = (score.provenance, replace(score.provenance, plan_text=plan_text))
        return all(self._ledger.judge(copy, facts.tags) is Standing.GOOD for copy in copies)


def learned_score(facts: Facts, rendition: Rendition, made_at_s: float, measurement: Measurement | None) -> Score:
    """*measurement* of the version that *facts* describe; *made_at_s*: when that began."""
    known = facts.provenance or Provenance(source=rendition.source, tags=None)
    provenance = replace(known, made_at_s=made_at_s, plan_text=rendition.plan_text)
    return Score(measurement=measurement, identity=facts.validators.identity, provenance=provenance)
