"""A container's memory is shared out, whatever the configuration asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.settings import Bucket, Codec, Server, Settings
from proxy.supervisor.memory import (
    CODEC_BYTES,
    LEAST_CODEC_BYTES,
    SUPERVISOR_BYTES,
    WEB_BYTES,
    WRITER_BYTES,
    fitted,
    limit_bytes,
)

GIB = 1 << 30


def files(root: Path, **texts: str) -> Path:
    for name, text in texts.items():
        path = root / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({"proc__self__cgroup": "0::/\n", "sys__fs__cgroup__memory_dot_max": "1073741824\n"}, GIB),
        (  # an ancestor allows less than the group itself
            {
                "proc__self__cgroup": "0::/pods/mogr\n",
                "sys__fs__cgroup__pods__memory_dot_max": "536870912\n",
                "sys__fs__cgroup__pods__mogr__memory_dot_max": "max\n",
            },
            GIB // 2,
        ),
        (  # the host's path, the container's mount
            {"proc__self__cgroup": "0::/../../host/pod7\n", "sys__fs__cgroup__memory_dot_max": "268435456\n"},
            GIB // 4,
        ),
        (
            {
                "proc__self__cgroup": "9:name=systemd:/\n4:memory:/box\n0::/\n",
                "sys__fs__cgroup__memory__memory_dot_limit_in_bytes": "9223372036854771712\n",
                "sys__fs__cgroup__memory__box__memory_dot_limit_in_bytes": "402653184\n",
            },
            402653184,
        ),
    ],
)
def test_the_least_limit_counts(tmp_path: Path, texts: dict[str, str], expected: int) -> None:
    assert limit_bytes(files(tmp_path, **texts)) == expected


@pytest.mark.parametrize("texts", [{}, {"proc__self__cgroup": "0::/\n", "sys__fs__cgroup__memory_dot_max": "max\n"}])
def test_without_a_limit_the_machine_is_the_limit(tmp_path: Path, texts: dict[str, str]) -> None:
    assert limit_bytes(files(tmp_path, **texts)) > GIB // 4


def settings(*, web: int = 1, codecs: int = 2) -> Settings:
    return Settings(
        server=Server(workers=web),
        codec=Codec(workers=codecs),
        buckets={"b-1250000000": Bucket(store="memory:", default=True)},
    )


def test_a_large_node_keeps_what_was_asked() -> None:
    asked = settings()
    assert fitted(asked, 64 * GIB) == (asked, ())


@pytest.mark.parametrize("web", [1, 4])
@pytest.mark.parametrize("codecs", [1, 2, 8])
@pytest.mark.parametrize("limit", [2 * GIB, 4 * GIB, 16 * GIB])
def test_everything_together_fits(web: int, codecs: int, limit: int) -> None:
    fits, said = fitted(settings(web=web, codecs=codecs), limit)
    taken = (
        SUPERVISOR_BYTES
        + WRITER_BYTES
        + fits.cache.memory.max_bytes
        + web * (WEB_BYTES + fits.origins.fetch_bytes)
        + codecs * (CODEC_BYTES + fits.codec.memory_bytes)
    )
    assert taken < limit or fits.codec.memory_bytes == LEAST_CODEC_BYTES
    assert bool(said) == (fits != settings(web=web, codecs=codecs))
    assert all(str(limit) in sentence for sentence in said)


def test_a_small_node_keeps_the_least_that_works() -> None:
    fits, said = fitted(settings(codecs=8), GIB)
    assert fits.codec.memory_bytes == LEAST_CODEC_BYTES
    assert fits.origins.fetch_bytes >= fits.limits.image_limits().max_source_bytes
    assert [sentence.partition(":")[0] for sentence in said] == ["codec.memory_bytes"]
