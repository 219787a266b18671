"""An answer is written before what need not be done first."""

from __future__ import annotations

import pytest

from proxy.web.reply import Reply


async def chunks():
    yield b"a"
    yield b"b"


@pytest.mark.parametrize("body", [b"body", None], ids=["bytes", "a stream"])
@pytest.mark.parametrize("head", [False, True])
async def test_what_comes_after_an_answer_comes_after_all_of_it(body, head):
    done = []

    async def send(message):
        done.append(message.get("body", message["type"]))

    async def close():
        done.append("close")

    reply = Reply(status=200, body=chunks() if body is None else body, sent=lambda: done.append("sent"), close=close)
    await reply.send(send, head=head)
    assert done[0] == "http.response.start"
    assert done[-2:] == ["sent", "close"]
    assert done.count("sent") == 1


async def test_nothing_comes_after_an_answer_that_was_not_sent():
    done = []

    async def send(message):
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await Reply(status=200, body=b"body", sent=lambda: done.append("sent")).send(send, head=False)
    assert done == []
