"""The command ``mogr``: reads its arguments and hands them to a command; nothing else happens here."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TypedDict

from proxy import __version__
from proxy.core.model import PRESETS

_TOP = """\
Serve pictures in the size and format each client can use, with the wire API of Tencent COS / Cloud Infinite.

examples:
  mogr serve --config config/local.toml       serve the buckets of a configuration
  mogr check --config config/local.toml       is it valid, and what can this build decode and encode?
  mogr convert photo.jpg small.avif 'imageMogr2/thumbnail/800x'
  mogr purge --config config/local.toml --source cat.jpg

`mogr COMMAND --help` tells more of each."""

_SERVE = """\
Serve the buckets of a configuration until told to stop.

The configuration is a TOML file; over it count environment variables (MOGR_SERVER__PORT=80), and over them the options
below.  Logs go to standard error, one JSON object a line.

examples:
  mogr serve --config config/local.toml
  mogr serve --config config/local.toml --host 0.0.0.0 --port 80 --workers 4
  MOGR_CODEC__WORKERS=4 mogr serve --config config/local.toml
  kill -HUP PID        after editing the file: new workers take over, no request is refused

signals:
  SIGTERM, SIGINT      finish the requests under way, exit 0 within server.shutdown_s; a second one ends at once (143, 130)
  SIGHUP               reload the configuration; if it is not valid every problem is logged and the old one stays

exit status: 0 stopped by a signal; 1 the configuration, a port or a child process made it impossible; 2 wrong arguments"""

_CHECK = """\
Read a configuration as `serve` would; print what is in effect (secrets as stars), and what this build can decode and
encode.  If it is not valid, print every problem at once.

examples:
  mogr check --config config/local.toml
  MOGR_SERVER__PORT=80 mogr check --config config/local.toml      with what the environment changes

exit status: 0 valid; 1 not valid, or the codec cannot be loaded; 2 wrong arguments"""

_CONVERT = """\
Convert one picture with the operations that URLs use, and the same code, without a server.

OUT's suffix chooses the format.  An operation may name one too (format/webp); then both must agree.  format/auto orients
by EXIF and keeps only the colour profile, in the format of the suffix.

examples:
  mogr convert photo.jpg small.avif 'imageMogr2/thumbnail/800x'
  mogr convert photo.jpg square.webp 'imageMogr2/crop/400x400/gravity/center/quality/75'
  mogr convert photo.jpg upright.png 'imageMogr2/auto-orient|imageMogr2/thumbnail/!50p'
  mogr convert photo.jpg photo.webp imageMogr2
  mogr convert --preset best photo.jpg photo.avif imageMogr2

exit status: 0 written; 1 not, and one line says why; 2 wrong arguments"""

_PURGE = """\
Have a running node forget copies, in memory, on disk and in the bucket that renditions are kept in, or make them anew.

Talks to the admin listener of the configuration (admin.host, admin.port) with its admin.token.  When this returns, no web
worker of the node sends an old copy; replicas that share a bucket follow within seconds.

examples:
  mogr purge --config mogr.toml --url 'https://img.example.com/cat.jpg?imageMogr2/thumbnail/100x'
  mogr purge --config mogr.toml --source cats/one.jpg             everything that is made of one object
  mogr purge --config mogr.toml --prefix cats/ --refresh          send the old ones until they are made anew
  mogr purge --config mogr.toml --tag summer-sale                 what the origin gave that Surrogate-Key or Cache-Tag
  mogr purge --config mogr.toml --prefix '' --bucket photos-1250000000

exit status: 0 every web worker did; 1 not, and one line says why; 2 wrong arguments"""


def parser() -> argparse.ArgumentParser:
    """Every command and option there is."""
    top = argparse.ArgumentParser(prog="mogr", **_told(_TOP))
    top.add_argument("--version", action="version", version=f"mogr {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    serve = commands.add_parser("serve", help="serve the buckets of a configuration", **_told(_SERVE))
    _config(serve)
    serve.add_argument("--host", metavar="H", help="instead of server.host: the address to listen on")
    serve.add_argument("--port", metavar="P", type=int, help="instead of server.port; 0 takes any free one")
    serve.add_argument("--workers", metavar="N", type=int, help="instead of server.workers: how many web processes")
    check = commands.add_parser("check", help="print the configuration in effect, or all its problems", **_told(_CHECK))
    _config(check)
    convert = commands.add_parser("convert", help="convert one picture without a server", **_told(_CONVERT))
    convert.add_argument(
        "--preset", choices=PRESETS, default="realtime", help="how long to search for fewer bytes (default: realtime)"
    )
    convert.add_argument("source", metavar="IN", type=Path, help="the picture to read")
    convert.add_argument("target", metavar="OUT", type=Path, help="the file to write; its suffix chooses the format")
    convert.add_argument("operation", metavar="OPERATION", help="as in a URL: 'imageMogr2/thumbnail/800x'")
    purge = commands.add_parser("purge", help="have a running node forget copies", **_told(_PURGE))
    _config(purge)
    what = purge.add_mutually_exclusive_group(required=True)
    what.add_argument("--url", metavar="U", help="one URL, as clients write it, in every format it is sent in")
    what.add_argument("--source", metavar="KEY", help="one object, and everything made of it")
    what.add_argument("--prefix", metavar="P", help="all objects whose key begins so; '' is the whole bucket")
    what.add_argument("--tag", metavar="T", help="all that carry the tag")
    purge.add_argument("--bucket", metavar="B", default="", help="where; needed if none is the default or the only one")
    purge.add_argument("--refresh", action="store_true", help="send the old copies until they are made anew")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that *arguments* (default: the process's own) ask for; the exit status."""
    given = vars(parser().parse_args(arguments))
    command = import_module(f"proxy.commands.{given.pop('command')}")
    try:
        status: int = command.run(**given)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read what we print has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more when it ends
        return 128 + signal.SIGPIPE
    return status


class _Told(TypedDict):
    description: str
    epilog: str
    formatter_class: type[argparse.HelpFormatter]
    allow_abbrev: bool


def _told(text: str) -> _Told:
    """What is said above the options (up to the examples) and below them."""
    above, _, below = text.partition("\n\nexamples:")
    return {
        "description": above,
        "epilog": "examples:" + below,
        "formatter_class": argparse.RawDescriptionHelpFormatter,
        "allow_abbrev": False,
    }


def _config(command: argparse.ArgumentParser) -> None:
    command.add_argument("--config", metavar="FILE", type=Path, required=True, help="the configuration, a TOML file")


if __name__ == "__main__":
    sys.exit(main())
