"""What 304 and HEAD say of a kept answer (RFC 9111 §3.2, §4.3.4, §4.3.5)."""

from __future__ import annotations

import pytest
from caching import NOW, date, entry, lines

from proxy.core.http_cache.updating import agrees, confirmed, updated


def test_new_fields_replace_old_ones_of_their_names() -> None:
    old = entry(
        a=["1", "2"], b="1", content_type="x/y", content_encoding="gzip", content_length="10", age="5", date=date(-100),
        cache_control="max-age=1", etag='"e"',
    )  # fmt: skip
    told = lines(
        a="3", content_encoding="br", content_length="0", content_range="x", cache_control="max-age=9", age="2"
    )
    new = updated(old, told, requested_at_s=NOW, received_at_s=NOW)
    assert dict(new.lines) == {
        b"a": b"3", b"b": b"1", b"content-type": b"x/y", b"content-encoding": b"gzip", b"age": b"2",
        b"cache-control": b"max-age=9", b"etag": b'"e"', b"date": date().encode(),
    }  # fmt: skip
    assert (new.body_id, new.size_bytes, new.policy.ttl_s(NOW)) == (old.body_id, old.size_bytes, 7)


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [('"a"', None, True), ('"a"', '"a"', True), ('"a"', '"b"', False), ('"a"', 'W/"b"', True), (None, '"b"', False),
     ('W/"a"', '"a"', True)],
)  # fmt: skip
def test_whom_a_304_speaks_of(ours: str | None, theirs: str | None, same: bool) -> None:
    kept = entry(**({"etag": ours} if ours else {}))
    assert confirmed(kept, lines(**({"etag": theirs} if theirs else {}))) is same


@pytest.mark.parametrize(
    ("head", "size_bytes", "same"),
    [
        ({}, None, True),
        ({}, 10, True),
        ({}, 11, False),
        ({"etag": '"a"'}, 10, True),
        ({"etag": '"b"'}, 10, False),
        ({"last_modified": date(-5)}, None, True),
        ({"last_modified": date(-4)}, None, False),
    ],
)
def test_whom_a_head_speaks_of(head: dict[str, str], size_bytes: int | None, same: bool) -> None:
    assert agrees(entry(etag='"a"', last_modified=date(-5)), lines(**head), size_bytes) is same
