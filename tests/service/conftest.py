"""What tests of the service share."""

from __future__ import annotations

import pytest
from fakes import DictCache


@pytest.fixture(params=["away", "at hand"])
def disk(request, monkeypatch):
    """A disk that has to be waited for, and one whose files are in memory: the answers are the same."""
    monkeypatch.setattr(DictCache, "near", request.param == "at hand")
