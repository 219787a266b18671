"""Whether what a bucket asks of requests can be asked, and is what was meant."""

from __future__ import annotations

import re
from collections.abc import Iterator

from proxy.configuration.problems import Path
from proxy.core.access.cors import ANY, METHODS, is_origin
from proxy.core.access.referers import EXPECTED, Pattern
from proxy.core.fields.lists import is_token
from proxy.core.query import OPERATION_HEADS
from proxy.settings import Bucket, Settings

_KEY = re.compile(r"[0-9A-Za-z]{6,40}")
_PARAMETER = re.compile(r"[0-9A-Za-z_][0-9A-Za-z_.-]{0,63}")
_MOST_KEY_BYTES = 850

Finding = tuple[Path, str]


def check_signers(settings: Settings) -> Iterator[Finding]:
    """What is wrong between buckets and ``[[credentials]]``, from the root of the tree."""
    known = {credential.secret_id for credential in settings.credentials}
    for name, bucket in settings.buckets.items():
        for n, signer in enumerate(bucket.signers):
            if signer not in known:
                yield ("buckets", name, "signers", n), "the secret_id of one of [[credentials]]"


def check_access(bucket: Bucket) -> Iterator[Finding]:
    """What is wrong, as ``checks.check`` says it, from the bucket's own table."""
    yield from _url_signature(bucket)
    for name, patterns in (("allow", bucket.referers.allow), ("deny", bucket.referers.deny)):
        for n, text in enumerate(patterns):
            try:
                Pattern.parse(text)
            except ValueError:
                yield ("referers", name, n), EXPECTED
    yield from _cors(bucket)
    image = bucket.default_image
    if image is not None:
        key = image.key
        hidden = bool(bucket.persist_prefix) and key.startswith(bucket.persist_prefix)
        if not key or key.startswith("/") or not key.isprintable() or len(key.encode()) > _MOST_KEY_BYTES or hidden:
            yield ("default_image", "key"), "the key of an object in the bucket, without a slash before it"


def access_advice(name: str, bucket: Bucket, settings: Settings) -> Iterator[str]:
    """What is allowed and probably not meant."""
    signed = bucket.public == "private" or bucket.url_signature is not None
    if signed and not settings.credentials and bucket.url_signature is None:
        yield f"Bucket {name} is private and nobody can sign: there are no [[credentials]], and it has no url_signature."
    if bucket.styles_only and not bucket.styles and not signed:
        yield f"Bucket {name} answers unsigned requests with styles only, and has none."
    if bucket.pass_through and bucket.styles_only:
        yield f"Bucket {name} passes through and answers styles only: unsigned requests for anything else get 403."


def _url_signature(bucket: Bucket) -> Iterator[Finding]:
    signature = bucket.url_signature
    if signature is None:
        return
    for name, secret in (("key", signature.key), ("backup_key", signature.backup_key)):
        text = secret.get_secret_value()
        if not _KEY.fullmatch(text) and (text or name == "key"):
            yield ("url_signature", name), "6 to 40 letters and digits"
    for name, parameter in (("parameter", signature.parameter), ("time_parameter", signature.time_parameter)):
        if not _PARAMETER.fullmatch(parameter) or parameter in OPERATION_HEADS or parameter.startswith("q-"):
            yield ("url_signature", name), "a name of letters, digits, _, . and -, which is no operation"
    if signature.type == "D" and signature.parameter == signature.time_parameter:
        yield ("url_signature", "parameter"), "another name than time_parameter has"


def _cors(bucket: Bucket) -> Iterator[Finding]:
    for n, rule in enumerate(bucket.cors):
        if not rule.origins:
            yield ("cors", n, "origins"), "at least one origin, or *"
        for m, origin in enumerate(rule.origins):
            if not is_origin(origin):
                yield (
                    ("cors", n, "origins", m),
                    "an origin such as https://www.example.com, https://*.example.com, or *",
                )
        if not rule.methods:
            yield ("cors", n, "methods"), "at least one method"
        for m, method in enumerate(rule.methods):
            if method not in METHODS:
                yield ("cors", n, "methods", m), f"one of {', '.join(METHODS)}"
        for name, fields in (("headers", rule.headers), ("expose", rule.expose)):
            for m, field in enumerate(fields):
                if not is_token(field):
                    yield ("cors", n, name, m), "the name of a header field, or *"
        if rule.credentials and ANY in rule.origins:
            yield (
                ("cors", n, "credentials"),
                "false, since every page that anybody makes could read with a visitor's cookies",
            )
