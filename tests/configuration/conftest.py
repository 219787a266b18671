"""A configuration written to a directory of its own, loaded with an environment and flags of the test's choice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from proxy.configuration import ConfigurationError, load
from proxy.settings import Settings

BUCKET = """
[buckets."photos-1250000000"]
store = "memory:"
"""


class Trial:
    """Write ``text`` (after a bucket, unless told otherwise) and load it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.file = directory / "mogr.toml"

    def load(
        self,
        text: str = "",
        *,
        bucket: str = BUCKET,
        environ: Mapping[str, str] | None = None,
        flags: Mapping[str, object] | None = None,
    ) -> Settings:
        self.file.write_text(f"{text}\n{bucket}", encoding="utf-8")
        return load(self.file, environ=environ or {}, flags=flags)

    def problems(self, text: str = "", **options: object) -> list[str]:
        """The problems, one line each, with the file's path as FILE and its directory as DIR."""
        with pytest.raises(ConfigurationError) as caught:
            self.load(text, **options)
        text = str(caught.value).replace(str(self.file), "FILE").replace(str(self.directory), "DIR")
        return text.splitlines()


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    return Trial(tmp_path)


@pytest.fixture
def problems(trial: Trial) -> Callable[..., list[str]]:
    return trial.problems
