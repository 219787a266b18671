"""``mogr check``: what a configuration means, or everything that is wrong with it, and what this build can do."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

from proxy.configuration import ConfigurationError, advice, effective, load
from proxy.supervisor.assembly import ask_capabilities
from proxy.supervisor.memory import fitted, limit_bytes
from proxy.supervisor.sockets import StartError


def run(config: Path) -> int:
    """Print the effective tree and the codec's capabilities; every problem, one a line on standard error, and 1."""
    try:
        settings = load(config)
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 1
    print(effective(settings).rstrip())
    try:
        found = asyncio.run(ask_capabilities())
    except StartError as error:
        print(f"mogr: {error}", file=sys.stderr)
        return 1
    print()
    _, lowered = fitted(settings, limit_bytes())
    for line in describe(found):
        print(line)
    for title, sentences in (("advice", advice(settings)), ("on this node", lowered)):
        for sentence in sentences:
            print(f"# {title:9} {sentence}")
    return 0


def describe(found: Mapping[str, object]) -> list[str]:
    """What ``codec.capabilities`` answered, as comments of TOML, so that all of the output stays a configuration."""
    lines = []
    for name, title in (("decode", "decodes"), ("encode", "encodes"), ("animate", "animates")):
        formats = found.get(name)
        if isinstance(formats, list):
            lines.append(f"# {title:9} {' '.join(map(str, formats))}")
    versions = found.get("versions")
    if isinstance(versions, Mapping):
        lines.append(f"# {'built of':9} {', '.join(f'{name} {version}' for name, version in versions.items())}")
    return lines
