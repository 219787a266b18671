"""File, then environment, then flags; and what the values in them stand for."""

from __future__ import annotations

import ipaddress
import os

import pytest

from proxy.configuration import load
from proxy.settings import Settings

TWO_BUCKETS = """
[buckets."a.b-c-1"]
store = "memory:"
[buckets.d-1]
store = "memory:"
ttl_s = 1
"""


def at(settings: Settings, path: str) -> object:
    value: object = settings
    for name in path.split("/"):
        value = value[name] if isinstance(value, dict) else getattr(value, name)
    return value


def test_a_bucket_is_all_that_has_to_be_written(trial):
    settings = trial.load()
    bucket = Settings(buckets={"photos-1250000000": {"store": "memory:"}})
    assert settings == bucket


@pytest.mark.parametrize(
    ("name", "text", "path", "value"),
    [
        ("MOGR_CODEC__WORKERS", "4", "codec/workers", 4),
        ("MOGR_CODEC__WORKERS", "+4", "codec/workers", 4),
        ("MOGR_CODEC__DEADLINE_S", "2.5", "codec/deadline_s", 2.5),
        ("MOGR_CODEC__DEADLINE_S", "2", "codec/deadline_s", 2.0),
        ("MOGR_SERVER__HOST", "::", "server/host", "::"),
        ("MOGR_SERVER__SERVER_TIMING", "true", "server/server_timing", True),
        ("MOGR_SERVER__TRUSTED_PROXIES", "[]", "server/trusted_proxies", ()),
        (
            "MOGR_SERVER__TRUSTED_PROXIES",
            '["10.0.0.0/8", "fd00::/8"]',
            "server/trusted_proxies",
            (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8")),
        ),
        ("MOGR_CACHE__MEMORY__MAX_BYTES", "5", "cache/memory/max_bytes", 5),
        ("MOGR_LIMITS__MAX_FRAMES", "7", "limits/max_frames", 7),
        ("MOGR_BUCKETS__A_B_C_1__TTL_S", "60", "buckets/a.b-c-1/ttl_s", 60),
        ("MOGR_BUCKETS__D_1__TTL_S", "60", "buckets/d-1/ttl_s", 60),
        ("MOGR_BUCKETS__D_1__HOSTS", '["A.example."]', "buckets/d-1/hosts", ("a.example",)),
    ],
)
def test_a_variable_overrides_its_key(trial, name, text, path, value):
    assert at(trial.load(bucket=TWO_BUCKETS, environ={name: text}), path) == value


@pytest.mark.parametrize(
    "name", ["MOGR_PORT", "MOGR_SERVICE_HOST", "MOGR_PORT_8080_TCP_ADDR", "MOGR_", "XMOGR_A__B", "mogr_codec__workers"]
)
def test_other_variables_are_not_ours(trial, name):
    assert trial.load(environ={name: "tcp://10.0.0.1:8080"}) == trial.load()


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("MOGR_CODEC__WORKER", "4", "; did you mean MOGR_CODEC__WORKERS?"),
        ("MOGR_codec__workers", "4", "; did you mean MOGR_CODEC__WORKERS?"),
        ("MOGR_BUCKETS__D_2__TTL_S", "4", "; did you mean MOGR_BUCKETS__D_1__TTL_S?"),
        ("MOGR_BUCKETS__D_1", "4", "; did you mean MOGR_BUCKETS__D_1__TAGS?"),
        ("MOGR_CREDENTIALS__0__SECRET_KEY", "x", ""),
        ("MOGR_X__Y", "4", ""),
        ("MOGR___", "4", ""),
    ],
)
def test_an_unknown_variable_of_our_form_is_an_error(trial, name, text, problem):
    assert trial.problems(bucket=TWO_BUCKETS, environ={name: text}) == [
        f"environment: {name}: expected the name of a key of this configuration{problem}"
    ]


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("MOGR_CODEC__WORKERS", "", 'codec.workers = "": expected a whole number from 0 to 256'),
        ("MOGR_CODEC__WORKERS", "1.0", 'codec.workers = "1.0": expected a whole number from 0 to 256'),
        ("MOGR_CODEC__WORKERS", "999", "codec.workers = 999: expected a whole number from 0 to 256"),
        ("MOGR_CODEC__QUEUE_S", "inf", "codec.queue_s = inf: expected a number from 0 to 3600"),
        ("MOGR_SERVER__SERVER_TIMING", "yes", 'server.server_timing = "yes": expected true or false'),
        (
            "MOGR_SERVER__TRUSTED_PROXIES",
            "10.0.0.0/8",
            'server.trusted_proxies = "10.0.0.0/8": expected a list of networks such as "10.0.0.0/8" as JSON',
        ),
        ("MOGR_BUCKETS__D_1__HOSTS", '["a", 5]', "buckets.d-1.hosts[1] = 5: expected text"),
        ("MOGR_BUCKETS__D_1__ORIGIN_HEADERS", "[]", "buckets.d-1.origin_headers = ***: expected a table of texts as JSON"),
        ("MOGR_ADMIN__TOKEN", "env:ABSENT", "admin.token = ***: expected the environment variable ABSENT to be set and not empty"),
        ("MOGR_SERVER__HOST", "\udcff", 'server.host = "?": expected text'),
    ],
)  # fmt: skip
def test_a_wrong_variable_is_named_as_the_place(trial, name, text, problem):
    assert trial.problems(bucket=TWO_BUCKETS, environ={name: text}) == [f"{name}: {problem}"]


def test_a_wrong_variable_does_not_take_the_blame_for_the_file(trial):
    text = '[server]\ntrusted_proxies = ["10.0.0.1/8"]'
    first, second = trial.problems(text, environ={"MOGR_SERVER__TRUSTED_PROXIES": "x"})
    assert first.startswith("MOGR_SERVER__TRUSTED_PROXIES: server.trusted_proxies = ")
    assert second.startswith("FILE: server.trusted_proxies[0] = ")


def test_buckets_whose_variables_are_spelled_alike_cannot_be_told_apart(trial):
    bucket = '[buckets.a-b]\nstore = "memory:"\n[buckets."a.b"]\nstore = "memory:"'
    assert trial.load(bucket=bucket)
    assert trial.problems(bucket=bucket, environ={"MOGR_BUCKETS__A_B__TTL_S": "1"}) == [
        'environment: MOGR_BUCKETS__A_B__TTL_S: expected a name that means one key, not buckets.a-b.ttl_s and buckets."a.b".ttl_s'
    ]


def test_a_variable_repairs_what_is_wrong_in_the_file(trial):
    assert trial.load('[codec]\nworkers = "many"', environ={"MOGR_CODEC__WORKERS": "3"}).codec.workers == 3


def test_flags_override_the_environment_and_none_is_no_flag(trial):
    settings = trial.load(
        "[server]\nport = 1\nworkers = 1\nhost = 'file'",
        environ={"MOGR_SERVER__PORT": "2", "MOGR_SERVER__WORKERS": "2"},
        flags={"server.port": 3, "server.host": None},
    )
    assert (settings.server.port, settings.server.workers, settings.server.host) == (3, 2, "file")


def test_the_environment_of_the_process_is_the_default(trial, monkeypatch):
    trial.load()
    monkeypatch.setenv("MOGR_CODEC__WORKERS", "7")
    assert load(trial.file).codec.workers == 7


def test_relative_paths_start_at_the_directory_of_the_file(trial, tmp_path, monkeypatch):
    for name in ("config", "photos", "elsewhere"):
        (tmp_path / name).mkdir()
    trial.file = tmp_path / "config" / "mogr.toml"
    monkeypatch.chdir(tmp_path / "elsewhere")
    bucket = '[buckets.a]\nstore = "file:../photos"\npersist_store = "file:/kept"\n[buckets.b]\nstore = "memory:"'
    settings = trial.load('[cache.disk]\npath = "../var/cache"', bucket=bucket)
    assert settings.cache.disk.path == tmp_path / "var" / "cache"
    assert settings.buckets["a"].store == f"file:{tmp_path}/photos"
    assert settings.buckets["a"].persist_store == "file:/kept"
    assert load(type(tmp_path)("../config/mogr.toml"), environ={}) == settings


def test_a_linked_file_counts_where_its_link_is(trial, tmp_path):
    """Kubernetes mounts a ConfigMap as links into a directory that changes with every version."""
    (tmp_path / "..data").mkdir()
    (tmp_path / "mount").mkdir()
    trial.file = tmp_path / "..data" / "mogr.toml"
    trial.load('[cache.disk]\npath = "cache"')
    (tmp_path / "mount" / "mogr.toml").symlink_to(trial.file)
    assert load(tmp_path / "mount" / "mogr.toml", environ={}).cache.disk.path == tmp_path / "mount" / "cache"


@pytest.mark.parametrize(
    ("text", "environ"),
    [
        ("", {}),
        ("[cache.disk]", {}),
        ("[cache.disk]\nmax_bytes = 5", {}),
        ("[cache.disk]\npath = ''", {}),
        ("[cache.disk]\npath = 'x'", {"MOGR_CACHE__DISK__PATH": ""}),
        ("", {"MOGR_CACHE__DISK__MAX_BYTES": "5"}),
    ],
)
def test_without_a_path_there_is_no_disk_tier(trial, text, environ):
    assert trial.load(text, environ=environ).cache.disk is None


def test_a_variable_alone_switches_the_disk_tier_on(trial):
    disk = trial.load(environ={"MOGR_CACHE__DISK__PATH": "x", "MOGR_CACHE__DISK__MAX_BYTES": "5"}).cache.disk
    assert (disk.path, disk.max_bytes) == (trial.directory / "x", 5)


def test_a_wrong_key_is_named_even_where_the_disk_tier_is_off(problems):
    assert problems("[cache.disk]\nmax_bytes = 0") == [
        "FILE: cache.disk.max_bytes = 0: expected a whole number of at least 1"
    ]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("plain", "plain"),
        ("with:colon", "with:colon"),
        ("env:NAMED", "from the environment"),
        ("file:secret", "from a file"),
        ("", ""),
    ],
)
def test_a_secret_may_be_a_reference(trial, written, meant):
    (trial.directory / "secret").write_text("from a file\n")
    for text, environ in ((f'[admin]\ntoken = "{written}"', {}), ("", {"MOGR_ADMIN__TOKEN": written})):
        settings = trial.load(text, environ={"NAMED": "from the environment", **environ})
        assert settings.admin.token.get_secret_value() == meant


def test_every_secret_may_be_a_reference(trial):
    settings = trial.load(
        '[[credentials]]\nsecret_id = "a"\nsecret_key = "env:S"',
        bucket="""
        [buckets.a]
        store = "s3://abc"
        access_key_id = "env:S"
        secret_access_key = "env:S"
        [buckets.b]
        store = "https://host/x"
        origin_headers = { Authorization = "env:S" }
        """,
        environ={"S": "secret"},
    )
    a, b = settings.buckets["a"], settings.buckets["b"]
    secrets = [settings.credentials[0].secret_key, a.access_key_id, a.secret_access_key, *b.origin_headers.values()]
    assert [each.get_secret_value() for each in secrets] == ["secret"] * 4
    assert b.store == "https://host/x/"


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_a_directory_that_may_not_be_read_is_named(trial):
    closed = trial.directory / "closed"
    closed.mkdir(mode=0)
    assert trial.problems(bucket='[buckets.a]\nstore = "file:closed"') == [
        'FILE: buckets.a.store = "file:DIR/closed": expected a directory that this user may read'
    ]
