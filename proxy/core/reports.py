"""Reports: what a picture can be asked about itself; they answer JSON instead of a picture (spec/01 §11).

Here is what each may be asked; what it answers is computed where the pixels are, in ``codec.reports``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from proxy.core.plan import Report

Check = Callable[[str], str]
"""Reads a parameter's value into its one spelling, or raises InvalidArgument."""

REPORTS: Mapping[str, Mapping[str, Check]] = MappingProxyType({})
"""The parameters that each report takes, by its name in the grammar."""


def parse_report(name: str, parameters: Mapping[str, str]) -> Report:
    """Report *name* with those of *parameters* that it takes; others are ignored.

    Raises:
        InvalidArgument: a value that it does not take.
    """
    checks = REPORTS[name]
    arguments = tuple((key, check(parameters[key])) for key, check in sorted(checks.items()) if key in parameters)
    return Report(name, arguments)
