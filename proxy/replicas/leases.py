"""Leases kept in Redis: a key whose value says who works, or that the work is done, and that goes by itself.

``held:TOKEN`` expires with its holder; ``done:TOKEN`` follows it, so that those who wait and those who looked for the
result a moment too early both learn that it is there.  The scripts are atomic and touch one key each.
"""

from __future__ import annotations

from proxy.ports import Turn
from proxy.replicas.connection import RedisConnection

DONE_S = 5.0
"""How long the end of a piece of work is remembered: longer than looking for its result takes."""

_TAKE = """
local value = redis.call('GET', KEYS[1])
if value and value ~= ARGV[3] then return value end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ''
"""
_RENEW = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
_RELEASE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '' then return redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
"""


class RedisLeases:
    """The Leases of one web worker."""

    def __init__(self, connection: RedisConnection) -> None:
        self._connection = connection

    async def take(self, name: str, token: str, ttl_s: float, *, past: str = "") -> Turn:
        value = await self._eval("take", _TAKE, name, f"held:{token}", _ms(ttl_s), past)
        match value:
            case "":
                return Turn("ours")
            case str() if value.startswith("done:"):
                return Turn("done", value)
            case str():
                return Turn("theirs")
        return Turn("unknown")

    async def renew(self, name: str, token: str, ttl_s: float) -> None:
        await self._eval("renew", _RENEW, name, f"held:{token}", _ms(ttl_s))

    async def release(self, name: str, token: str, *, done: bool) -> None:
        after = f"done:{token}" if done else ""
        await self._eval("release", _RELEASE, name, f"held:{token}", after, _ms(DONE_S))

    async def _eval(self, operation: str, script: str, name: str, *arguments: str) -> object:
        connection = self._connection
        key = f"{connection.prefix}lease:{name}"
        return await connection.ask(operation, lambda: connection.commands.eval(script, 1, key, *arguments))


def _ms(seconds: float) -> str:
    return str(max(1, round(seconds * 1000)))
