"""One JSON line per event, whatever is logged and whoever logs it."""

from __future__ import annotations

import json
import logging
import re
import sys
import warnings

import pytest

from proxy import logs


@pytest.fixture
def installed():
    root, level = logging.getLogger(), logging.getLogger().level
    handlers = root.handlers[:]
    with warnings.catch_warnings():
        logs.install()
        yield
        logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(capsys) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_has_a_time_a_level_an_event_and_the_fields(capsys):
    logs.log("Something happened.", slot=3, path="ключ\n")
    (line,) = lines(capsys)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert line == {"level": "info", "event": "Something happened.", "slot": 3, "path": "ключ\n"}


@pytest.mark.parametrize("value", [b"\xff", "\udcff", object(), {1, 2}, float("inf"), "\x1b[31m", "a\u2028b"])
def test_every_value_fits_into_one_line(capsys, value):
    logs.log("event", value=value)
    assert capsys.readouterr().err.count("\n") == 1


def test_a_log_nobody_reads_stops_nothing(monkeypatch):
    class Gone:
        def write(self, _: str) -> int:
            raise BrokenPipeError

        def flush(self) -> None: ...

    monkeypatch.setattr(sys, "stderr", Gone())
    logs.log("event")


def test_what_libraries_log_comes_in_the_same_form(installed, capsys):
    logging.getLogger("uvicorn.error").warning("%s is odd", "this")
    logging.getLogger("asyncio").info("chatter")
    (line,) = lines(capsys)
    assert (line["level"], line["event"], line["logger"]) == ("warning", "this is odd", "uvicorn.error")


def test_a_trace_is_a_field(installed, capsys):
    try:
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("x").exception("failed")
    (line,) = lines(capsys)
    assert line["level"] == "error"
    assert "ValueError: broken" in line["trace"]


def test_warnings_come_in_the_same_form(installed, capsys):
    warnings.warn("old ways", DeprecationWarning, stacklevel=1)
    assert "old ways" in lines(capsys)[0]["event"]
