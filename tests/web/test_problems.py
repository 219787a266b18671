"""Errors in the shape that COS SDKs read, whatever a client put into its request."""

from __future__ import annotations

import inspect
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy import errors
from proxy.errors import InvalidArgument, InvalidRange, MethodNotAllowed, MogrError, NoSuchKey, Overloaded
from proxy.web.problems import problem

EVERY = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, MogrError)]


def made(error: MogrError, resource: str = "host/key", *, vary: tuple[str, ...] = ()):
    return problem(error, resource=resource, request_id="abc", vary=vary, error_ttl_s=10)


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_every_error_has_a_body_an_sdk_can_read(kind: type[MogrError]) -> None:
    reply = made(kind(5) if kind is InvalidRange else kind())
    root = ET.fromstring(reply.body)
    assert [child.tag for child in root] == ["Code", "Message", "Resource", "RequestId", "TraceId"]
    assert all(child.text for child in root)
    assert 400 <= reply.status <= 599
    headers = dict(reply.headers)
    assert headers["content-type"] == "application/xml"
    assert headers["cache-control"]


@given(st.text(max_size=200))
def test_no_request_can_break_or_extend_the_xml(resource: str) -> None:
    root = ET.fromstring(made(NoSuchKey(), resource).body)
    assert [child.tag for child in root] == ["Code", "Message", "Resource", "RequestId", "TraceId"]
    assert root.findtext("Resource")


def test_private_detail_stays_private() -> None:
    reply = made(NoSuchKey("secret path /srv/photos"))
    assert b"secret" not in reply.body


def test_an_argument_is_named_and_cut_short() -> None:
    message = ET.fromstring(made(InvalidArgument.of("crop", "9" * 500, "1 to 9999")).body).findtext("Message")
    assert message is not None
    assert message.startswith("crop: '999")
    assert len(message) < 150


def test_fields_that_belong_to_some_errors() -> None:
    assert dict(made(Overloaded(retry_after_s=7)).headers)["retry-after"] == "7"
    assert dict(made(MethodNotAllowed()).headers)["allow"] == "GET, HEAD"
    assert dict(made(InvalidRange(9)).headers)["content-range"] == "bytes */9"
    assert dict(made(NoSuchKey(), vary=("Accept",)).headers)["vary"] == "Accept"
    assert "vary" not in dict(made(NoSuchKey()).headers)
    assert dict(made(NoSuchKey()).headers)["x-errno"] == "-6101"
