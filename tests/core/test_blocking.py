"""Which keys are blocked, however they are spelt."""

from __future__ import annotations

import pytest

from proxy.core.blocking import Blocklist


@pytest.mark.parametrize(
    ("patterns", "key", "blocked"),
    [
        ((), "a.jpg", False),
        (("a.jpg",), "a.jpg", True),
        (("a.jpg",), "b/a.jpg", False),
        (("a.jpg",), "a.jpg.png", False),
        (("a.jpg",), "/a.jpg", True),
        (("a.jpg",), "./x/../a.jpg", True),
        (("b/a.jpg",), "b//a.jpg", True),
        (("b/a.jpg",), "b\\a.jpg", True),
        (("b/*",), "b/c/d.jpg", True),
        (("b/*",), "b//c.jpg", True),
        (("b/*",), "bc/d.jpg", False),
        (("b*",), "bc/d.jpg", True),
        (("*",), "anything", True),
    ],
)
def test_what_is_blocked(patterns: tuple[str, ...], key: str, blocked: bool) -> None:
    assert Blocklist(patterns).covers(key) is blocked
