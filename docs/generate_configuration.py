"""Write docs/configuration.md from the settings tree: python docs/generate_configuration.py."""

from __future__ import annotations

from pathlib import Path

from proxy.configuration import schema
from proxy.configuration.schema import ANY, Key
from proxy.configuration.writing import as_toml

PAGE = Path(__file__).with_name("configuration.md")

_INTRODUCTION = """\
# Configuration

<!-- Written by docs/generate_configuration.py from proxy/settings.py; edit those. -->

`mogr serve --config FILE` reads a TOML file, over it environment variables, over them its options. `mogr check --config FILE` prints
what that comes to, with secrets starred, or every problem at once. Examples: [config/local.toml](../config/local.toml),
[config/production.toml](../config/production.toml).

* **Environment:** `MOGR_<SECTION>__<KEY>`: `MOGR_CODEC__WORKERS=4`, `MOGR_CACHE__DISK__PATH=/var/cache/mogr`. Lists and tables are JSON:
  `MOGR_SERVER__TRUSTED_PROXIES='["10.0.0.0/8"]'`. In a bucket's name whatever is no letter or digit is written `_`:
  `MOGR_BUCKETS__EXAMPLEBUCKET_1250000000__TTL_S=60`; the bucket itself has to stand in the file. A variable of this form that means no
  key is an error; names without a double underscore (`MOGR_PORT`, which Kubernetes injects) are not read.
* **Paths** (`cache.disk.path`, `file:` stores, `file:` secrets) are relative to the directory of the file, also those in variables.
* **Secrets** may be written as `env:NAME` (an environment variable) or `file:PATH` (a file; one newline at its end is dropped).
* **Unknown keys** are errors. Names end in their unit: `_s` seconds, `_bytes`, `_px` pixels, `_ratio` from 0 to 1.
* **SIGHUP** reads everything again. `server.host`, `server.port` and all of `[admin]` stay as they were until a restart.
"""


def page() -> str:
    """The whole page as it should be committed."""
    keys = schema.keys()
    sections: dict[schema.Row, list[Key]] = {}
    for key in keys.values():
        if not key.branch and key.row[-1] != ANY:
            sections.setdefault(key.row[:-1], []).append(key)
    blocks = [_section(row, rows) for row, rows in sections.items()]
    return "\n".join([_INTRODUCTION, *blocks])


def _section(row: schema.Row, rows: list[Key]) -> str:
    named = row[:-1] if row[-1] == ANY else row
    head = _head(row)
    about = _prose(schema.keys()[named].meaning)
    lines = [
        f"## `{head}`",
        "",
        *([about, ""] if about else []),
        "| key | value | default | meaning |",
        "|---|---|---|---|",
    ]
    lines += [f"| `{key.row[-1]}` | {_prose(key.expected)} | {_default(key)} | {_prose(key.meaning)} |" for key in rows]
    return "\n".join(lines) + "\n"


def _head(row: schema.Row) -> str:
    """How the table of *row* begins in a file; one of a list has two brackets."""
    table = ".".join('"NAME"' if part == ANY else part for part in (row[:-1] if row[-1] == ANY else row))
    if row == ("buckets", ANY):
        return '[buckets."NAME"]'
    return f"[[{table}]]" if row[-1] == ANY else f"[{table}]"


def _default(key: Key) -> str:
    if key.row == ("cache", "disk", "path"):
        return "none: no disk tier"
    if key.required:
        return "none: required"
    if key.default is None:
        return "the profile's" if key.row[0] == "limits" else "not set"
    return f"`{as_toml(key.default)}`"


def _prose(text: str) -> str:
    """A description of one paragraph as one line of Markdown."""
    return " ".join(text.partition("\n\n")[0].split()).replace("``", "`").replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
