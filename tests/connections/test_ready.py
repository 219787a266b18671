"""What is ready, for how long, and how much of it."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
from readying import NOW, Kept, World, ready

from proxy.caches.memory import MemoryCache
from proxy.connections.ready import MAX_SPELLINGS


def test_an_answer_is_sent_and_counted():
    world = World()
    assert world.ask() is None
    world.keep(ready())
    answer = world.ask()
    assert answer is not None
    assert answer.startswith(b"HTTP/1.1 200 OK\r\nage: 10\r\nDate: Fri, 15 Jan 2027 08:00:00 GMT\r\nid: ")
    assert answer.endswith(b"\r\nlength: 4\r\n\r\nbody")
    assert (world.ask(head_only=True) or b"").endswith(b"\r\nlength: 4\r\n\r\n")
    assert (world.ask(if_none_match=b'"e"') or b"").startswith(b"HTTP/1.1 304 ")
    assert world.counted == [(200, 4), (200, 0), (304, 0)]
    assert world.ask(if_none_match=b'"other"') is None, "the whole of the server knows more of conditions"
    assert world.ask(host=b"H") is None


def test_no_id_comes_twice():
    world = World()
    world.keep(ready())
    answers = [world.ask() or b"" for _ in range(1_000)]
    ids = {answer.partition(b"id: ")[2].partition(b"\r\n")[0] for answer in answers}
    assert len(ids) == 1_000
    assert {len(each) for each in ids} == {24}


@pytest.mark.parametrize(
    "change",
    [
        lambda world, answer: setattr(answer.content, "value", None),
        lambda world, answer: setattr(answer.facts, "value", None),
        lambda world, answer: setattr(answer.others[0], "value", None),
        lambda world, answer: setattr(world, "generation", 1),
        lambda world, answer: setattr(world, "now_s", NOW + 3600),
    ],
    ids=["content", "facts", "mark", "purge", "time"],
)
def test_what_would_be_answered_otherwise_is_ready_no_more(change: Any) -> None:
    world, answer = World(), ready(others=(Kept(),))
    world.keep(answer)
    assert world.ask() is not None
    change(world, answer)
    assert world.ask() is None
    assert (len(world.answers), world.answers.used_bytes) == (0, 0)


def test_use_counts_in_the_memory_tier_about_once_a_second():
    world, answer = World(), ready()
    world.keep(answer)
    for _ in range(100):
        world.ask()
    assert answer.content.touches == answer.facts.touches == 1  # type: ignore[attr-defined]
    world.now_s += 1
    world.ask()
    assert answer.content.touches == 2  # type: ignore[attr-defined]


def test_it_keeps_nothing_alive_that_the_memory_tier_gives_up():
    memory: MemoryCache[Kept] = MemoryCache(1 << 20, size_of=lambda each: len(each.body))
    memory.put("a", Kept(b"x" * 1000))
    world = World()
    world.keep(ready(memory.place("a")))
    assert world.ask() is not None
    gone = weakref.ref(memory.get("a"))
    memory.delete("a")
    gc.collect()
    assert gone() is None
    assert world.ask() is None


def test_spellings_of_what_picks_are_bounded_and_share_one_answer():
    world, place, facts = World(), Kept(), Kept()
    for n in range(3 * MAX_SPELLINGS):
        world.keep(ready(place, facts=facts, vary=(b"accept",)), accept=b"%d" % n)
    assert len(world.answers) == MAX_SPELLINGS
    assert world.ask(accept=b"0") is None
    assert world.ask(accept=b"%d" % (3 * MAX_SPELLINGS - 1)) is not None
    assert world.ask() is None, "not to somebody who says nothing"


def test_what_cannot_be_read_here_picks_nothing_here():
    world = World()
    world.keep(ready(vary=(b"accept", b"x-version")), accept=b"a", x_version=b"1")
    assert len(world.answers) == 0


def test_its_bytes_are_bounded_and_what_is_asked_for_stays():
    world = World(max_bytes=1 << 16)
    world.keep(ready(), b"/popular")
    for n in range(1_000):
        world.keep(ready(), b"/%d?" % n + b"x" * 500)
        assert world.answers.used_bytes <= world.max_bytes
        assert world.ask(b"/popular") is not None
    assert 5 < len(world.answers) < 40
    world.keep(ready(), b"/" + b"x" * 60_000)
    assert world.ask(b"/" + b"x" * 60_000) is None, "one URL may not take all of it"


def test_nothing_is_kept_without_room():
    world = World(max_bytes=0)
    world.keep(ready())
    assert len(world.answers) == 0


def test_used_bytes_are_those_of_what_is_there():
    world = World()
    for accept in (b"a", b"b", b"a", b"c"):
        world.keep(ready(vary=(b"accept",)), accept=accept)
    world.keep(ready(), b"/b")
    before = world.answers.used_bytes
    world.keep(ready())  # varies no more
    assert 0 < world.answers.used_bytes < before
    world.generation = 1
    world.ask()
    world.ask(b"/b")
    assert world.answers.used_bytes == 0
