"""From a file, the environment and flags to one valid ``Settings``, or to every problem at once.

Nothing else reads the environment, and nothing is read at import.
"""

from __future__ import annotations

from proxy.configuration.checks import advice
from proxy.configuration.loading import load
from proxy.configuration.problems import ConfigurationError, Problem
from proxy.configuration.writing import effective, from_json, to_json

__all__ = ["ConfigurationError", "Problem", "advice", "effective", "from_json", "load", "to_json"]
