"""What can be answered without waiting, from memory or what of the disk is there, and where in memory that is."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

from proxy.core.keys import facts_key
from proxy.core.model import Artifact, Rendition
from proxy.core.purges import Standing
from proxy.errors import MogrError
from proxy.ports import Place
from proxy.service.bucket import Bucket
from proxy.service.kept import Kept
from proxy.service.measuring import TENTATIVE_S
from proxy.service.originals import Originals
from proxy.service.questions import Delivered, Question, joined
from proxy.service.records import Facts
from proxy.service.resolver import Resolver


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where everything is that an answer comes from: as long as nothing of it goes, and it is fresh, it stays the same."""

    found: Delivered
    """It, as the next one who asks gets it."""
    artifact: Place[Artifact]
    facts: Place[Facts]
    names: tuple[str, str]
    """What facts and artifact are kept by, the same in every web worker."""
    inputs: tuple[Place[Artifact] | Place[Facts], ...]
    """Of every picture that went into it."""
    generation: int
    """Of the ledger of purges by which it is good."""


class Nearby:
    """The hit path of one web worker."""

    def __init__(
        self,
        *,
        originals: Originals,
        kept: Kept,
        resolver: Resolver,
        renew: Callable[[Bucket, Question], None],
        measure: Callable[[Bucket, Question, Hashable], None],
    ) -> None:
        """*renew*: told of what is answered and to be made anew; *measure*: of what is of average quality, once for each key."""
        self._originals = originals
        self._kept = kept
        self._resolver = resolver
        self._renew = renew
        self._measure = measure

    def find(self, bucket: Bucket, question: Question) -> Delivered | None:
        """The answer, if everything it takes is in memory, and fresh, or being asked about or made anew meanwhile.

        What is on disk, and takes no waiting to read, is put into memory first.
        """
        inputs = []
        try:
            facts = self._originals.usable(bucket, question.source) or self._originals.at_hand(question.source)
            if facts is None:
                return None
            for each in question.inputs:
                held = self.find(each.bucket, each.question)
                if held is None:
                    return None
                inputs.append(held)
            rendition, key = self._resolver.resolve(bucket.rules, question, facts, inputs)
        except MogrError:
            return None
        # What is known of its quality may be on disk, too, and then another rendition is asked for.
        look = self._kept.in_memory if rendition.tentative else self._kept.at_hand
        found = look(rendition, key, facts)
        return None if found is None else self.sent(bucket, question, rendition, found, inputs)

    def sent(
        self,
        bucket: Bucket,
        question: Question,
        rendition: Rendition,
        found: Delivered,
        inputs: Sequence[Delivered],
        *,
        collapsed: bool = False,
        revalidated: bool = False,
    ) -> Delivered:
        """*found* as it is answered; what is to be made anew begins to be."""
        if found.renewing:
            self._renew(bucket, question)
        if rendition.tentative:
            identity = found.artifact.source.identity
            self._measure(bucket, question, (question.source, question.plan_text, rendition.format, identity))
            found = found if found.interim_s else replace(found, interim_s=TENTATIVE_S)
        if not found.renewing and not (inputs or collapsed or revalidated):
            return found
        return replace(found, facts=joined(found.facts, inputs), collapsed=collapsed, revalidated=revalidated)

    def places(self, bucket: Bucket, question: Question) -> Places | None:
        """Where that is which *question* is answered from; None: it is not all there, or would not be good for long."""
        found = self.find(bucket, question)
        if found is None or found.renewing or found.interim_s is not None:
            return None
        inputs: list[Place[Artifact] | Place[Facts]] = []
        etags = []
        for each in question.inputs:
            held, places = self.find(each.bucket, each.question), self.places(each.bucket, each.question)
            if held is None or places is None:
                return None
            etags.append(held)
            inputs += (places.artifact, places.facts, *places.inputs)
        facts = self._originals.place(question.source)
        if facts is None or facts.value is None:
            return None
        _, key = self._resolver.resolve(bucket.rules, question, facts.value, etags)
        artifact = self._kept.place(key)
        if artifact is None or artifact.value is not found.artifact:
            return None
        generation = self._originals.ledger.generation
        return Places(
            found=found, artifact=artifact, facts=facts, names=(facts_key(question.source), key), inputs=tuple(inputs),
            generation=generation,
        )  # fmt: skip

    def adopt(self, names: tuple[str, str], facts: Facts, artifact: Artifact) -> Places | None:
        """Where *facts* and *artifact*, another web worker's that it keeps by *names*, are in memory now.

        None: they do not count any more, or something else is known here.
        """
        ledger = self._originals.ledger
        if ledger.generation and any(
            copy is None or ledger.judge(copy, facts.tags) is not Standing.GOOD
            for copy in (facts.provenance, artifact.provenance)
        ):
            return None
        known, kept = self._originals.adopt(names[0], facts), self._kept.adopt(names[1], artifact)
        if known is None or kept is None:
            return None
        found = Delivered(artifact=artifact, facts=facts, tier="memory")
        return Places(found=found, artifact=kept, facts=known, names=names, inputs=(), generation=ledger.generation)
