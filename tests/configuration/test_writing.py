"""The tree as text: starred for people, whole for a pipe; and the documentation that is made from it."""

from __future__ import annotations

import importlib.util
import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.configuration import advice, effective, from_json, load, schema, to_json
from proxy.settings import Settings

ROOT = Path(__file__).resolve().parents[2]

FULL = """
[server]
host = "::1"
trusted_proxies = ["10.0.0.0/8", "fd00::/8"]
[admin]
token = "SECRET-1"
[cache.disk]
path = "cache"
[limits]
profile = "ci-2026"
max_frames = 10
[[credentials]]
secret_id = "one"
secret_key = "SECRET-2"
security_token = "SECRET-6"
"""
BUCKETS = """
[buckets."a.b-1"]
store = "s3://abc"
access_key_id = "SECRET-3"
secret_access_key = "SECRET-4"
hosts = ["a.example", "b.example"]
[buckets.c-1]
store = "https://host/x/"
origin_headers = { authorization = "SECRET-5 \\"quoted\\"", "x-\u00dc" = "" }
[buckets.c-1.url_signature]
type = "D"
key = "SECRET7"
backup_key = "SECRET8"
[buckets.c-1.rate]
requests_per_s = 5
[[buckets.c-1.cors]]
origins = ["*"]
[buckets.c-1.default_image]
key = "missing.png"
"""


def test_the_effective_tree_hides_every_secret_and_shows_every_key(trial):
    text = effective(trial.load(FULL, bucket=BUCKETS.replace(', "x-\u00dc" = ""', "")))
    assert "SECRET" not in text
    assert text.count('"***"') == 8
    names = {key.row[-1] for key in schema.keys().values() if key.row[-1] != schema.ANY}
    missing = [name for name in names if name not in text]
    assert not missing
    shown = tomllib.loads(text)
    assert shown["server"]["trusted_proxies"] == ["10.0.0.0/8", "fd00::/8"]
    assert shown["buckets"]["c-1"]["origin_headers"] == {"authorization": "***"}
    assert shown["limits"] == {"profile": "ci-2026", "max_frames": 10}
    assert "# max_side_px = 50000   (from the profile)" in text
    assert "# max_output_side_px = no limit" in text


def test_the_effective_tree_without_secrets_is_a_configuration_that_means_the_same(trial):
    settings = trial.load("[cache.disk]\npath = 'cache \u00e9\\\"'\n[codec]\ndeadline_s = 0.25")
    again = trial.directory / "again.toml"
    again.write_text(effective(settings))
    assert load(again, environ={}) == settings


def test_a_tree_without_a_disk_tier_says_so(trial):
    assert "# disk is not set" in effective(trial.load())


def test_a_pipe_carries_everything(trial):
    settings = trial.load(FULL, bucket=BUCKETS.replace("x-\u00dc", "x-y"))
    again = from_json(to_json(settings))
    assert again == settings
    assert again.admin.token.get_secret_value() == "SECRET-1"


texts = st.text(st.characters(exclude_categories=("Cs",)))


@given(token=texts, host=texts, header=texts, disk=st.booleans(), ttl_s=st.floats(0, allow_infinity=False))
def test_no_value_is_lost_in_the_pipe_or_breaks_the_toml(token, host, header, disk, ttl_s):
    bucket = {"store": "memory:", "origin_headers": {header: token}, "hosts": [host], "ttl_s": ttl_s}
    tree = {"admin": {"token": token}, "server": {"host": host}, "buckets": {host: bucket}}
    settings = Settings.model_validate(tree | ({"cache": {"disk": {"path": "/x"}}} if disk else {}))
    assert from_json(to_json(settings)) == settings
    shown = tomllib.loads(effective(settings))
    assert shown["server"]["host"] == host
    assert shown["buckets"][host]["hosts"] == [host]


def test_json_from_elsewhere_is_refused():
    with pytest.raises(ValueError, match="unknown"):
        from_json(json.dumps({"unknown": 1}))


def test_the_representation_of_settings_hides_secrets(trial):
    assert "SECRET" not in repr(trial.load(FULL, bucket=BUCKETS.replace("x-\u00dc", "x-y")))


@pytest.mark.parametrize(
    ("text", "bucket", "sentence"),
    [
        ("[admin]\nhost = '0.0.0.0'", 'store = "memory:"', "admin.host = 0.0.0.0 is reachable from other machines, and admin.token is empty."),
        ("[server]\nworkers = 2", 'store = "memory:"', "Bucket a is a memory store: each of the 2 web processes has its own."),
        ("", 'store = "s3://abc"', "Bucket a has no access_key_id: its S3 requests are not signed."),
        ("", 'store = "memory:"\nregion = "x"', "Bucket a has no s3 store: region mean nothing there."),
        ("", 'store = "memory:"\nallow_private = true', "Bucket a has no http store: allow_private mean nothing there."),
        ("", 'store = "memory:"\npersist_store = "memory:"', 'Bucket a has persist = "off": its persist_store is not used.'),
        ("[cache.disk]\npath = 'mogr.toml/x'", 'store = "memory:"', "cache.disk.path = DIR/mogr.toml/x cannot be written to: the disk tier will be off."),
        ("", 'store = "memory:"\npublic = "private"', "Bucket a is private and nobody can sign: there are no [[credentials]], and it has no url_signature."),
        ("", 'store = "memory:"\nstyles_only = true', "Bucket a answers unsigned requests with styles only, and has none."),
    ],
)  # fmt: skip
def test_what_is_allowed_and_probably_not_meant_is_said(trial, text, bucket, sentence):
    found = advice(trial.load(text, bucket=f"[buckets.a]\n{bucket}"))
    assert [each.replace(str(trial.directory), "DIR") for each in found] == [sentence]


@pytest.mark.parametrize(
    "bucket",
    [
        'store = "memory:"',
        'store = "https://host/"\nallow_private = true\norigin_headers = {a = "b"}',
        'store = "https://host/"\npersist = "read-through"\npersist_store = "s3://abc"\naccess_key_id = "a"\nsecret_access_key = "b"',
    ],
)
def test_an_ordinary_configuration_gets_no_advice(trial, bucket):
    assert (
        advice(trial.load("[admin]\nhost = '127.0.0.2'\n[cache.disk]\npath = 'c'", bucket=f"[buckets.a]\n{bucket}"))
        == ()
    )


def test_the_documentation_is_current():
    """If not: python docs/generate_configuration.py."""
    spec = importlib.util.spec_from_file_location("generate_configuration", ROOT / "docs" / "generate_configuration.py")
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    assert generator.PAGE.read_text(encoding="utf-8") == generator.page()


def test_every_key_is_described():
    assert not [
        row for row, key in schema.keys().items() if not key.meaning and row[-1] != schema.ANY and not key.branch
    ]


def test_the_bundled_configurations_need_no_advice(tmp_path):
    local = load(ROOT / "config" / "local.toml", environ={})
    assert advice(local) == ()
    names = ("ADMIN_TOKEN", "COS_SECRET_ID", "COS_SECRET_KEY", "ORIGIN_AUTHORIZATION")
    environ = {"MOGR_CACHE__DISK__PATH": str(tmp_path), **dict.fromkeys(names, "secret")}
    assert advice(load(ROOT / "config" / "production.toml", environ=environ)) == ()
