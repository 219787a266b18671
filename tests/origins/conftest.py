"""An origin with every fault, and the adapter at work on it: fetching and forwarding are tested on the same."""

from __future__ import annotations

import pytest
from fakes import ManualClock, TallyMeter
from servers.origin import FaultyOrigin

from proxy.origins.http import HttpOrigin
from proxy.settings import Origins

PATIENT = Origins(max_redirects=3)
"""However busy the machine is."""
HASTY = Origins(connect_timeout_s=0.5, read_timeout_s=0.5, total_timeout_s=1.0, max_redirects=3)
"""For what is to time out."""


@pytest.fixture
def server():
    with FaultyOrigin() as running:
        yield running


@pytest.fixture
def meter():
    return TallyMeter()


@pytest.fixture
async def connect(server, meter):
    """``connect(**changes)`` is an origin at the server's ``/p/``, closed after the test; it is soon tired if *hasty*."""
    opened: list[HttpOrigin] = []

    def connected(base_url: str | None = None, *, hasty: bool = False, **changes) -> HttpOrigin:
        told = {
            "settings": HASTY if hasty else PATIENT,
            "headers": {},
            "allow_private": True,
            "meter": meter,
            "clock": ManualClock(),
        }
        opened.append(HttpOrigin(base_url or server.url("/p/"), **(told | changes)))
        return opened[-1]

    yield connected
    for origin in opened:
        await origin.aclose()
