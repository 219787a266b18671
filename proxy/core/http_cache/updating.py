"""What an answer without content says of a kept one: 304 (RFC 9111 §3.2, §4.3.4) and HEAD (§4.3.5)."""

from __future__ import annotations

from proxy.core.fields.conditional import EntityTag
from proxy.core.http_cache.messages import Entry, Lines, combined
from proxy.core.http_cache.storing import kept_lines

# They describe the bytes that are kept, which did not change.
_OF_THE_BYTES = frozenset({b"content-length", b"content-encoding", b"content-range"})


def confirmed(entry: Entry, lines: Lines) -> bool:
    """Whether a 304 with *lines* speaks of *entry*: a strong validator in it must be that of *entry* (§4.3.4)."""
    theirs = EntityTag.parse(combined(lines).get("etag"))
    if theirs is None or theirs.weak:
        return True
    ours = EntityTag.parse(entry.policy.etag)
    return ours is not None and ours.is_weakly(theirs)


def agrees(entry: Entry, lines: Lines, size_bytes: int | None) -> bool:
    """Whether a HEAD's 200 is about the same representation as *entry*."""
    fields = combined(lines)
    return (
        fields.get("etag", entry.policy.etag) == entry.policy.etag
        and fields.get("last-modified", entry.policy.last_modified) == entry.policy.last_modified
        and size_bytes in (None, entry.size_bytes)
    )


def updated(entry: Entry, lines: Lines, *, requested_at_s: float, received_at_s: float) -> Entry:
    """*entry* with the fields of *lines* in place of its own of the same names, as fresh as they say."""
    new = [line for line in lines if line[0] not in _OF_THE_BYTES]
    named = {name for name, _ in new} | {b"age", b"date"}  # those of then say nothing of now
    old = [line for line in entry.lines if line[0] not in named]
    return Entry.of(
        entry.status,
        kept_lines([*old, *new], received_at_s=received_at_s),
        site=entry.site,
        selection=entry.selection,
        requested_at_s=requested_at_s,
        received_at_s=received_at_s,
        body_id=entry.body_id,
        size_bytes=entry.size_bytes,
        guess_max_s=entry.guess_max_s,
    )
