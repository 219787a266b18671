"""Which addresses and URLs may be called (security tests T1, T2, T4, T5)."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import OriginForbidden
from proxy.origins.guard import check_redirect, check_url, is_global, may_call

PRIVATE = [
    "127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1",
    "100.127.255.255", "198.18.0.1", "198.19.255.255", "::1", "fc00::1", "fdff::1",
]  # fmt: skip
NEVER = [
    # this network, link-local with its metadata services (AWS, Tencent), IETF, documentation, 6to4 relays
    "0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.0.23", "192.0.0.1", "192.0.0.192", "192.0.2.1", "198.51.100.1",
    "203.0.113.1", "192.88.99.1",
    # multicast, reserved, broadcast
    "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    # metadata at addresses that look global or private (Azure, Alibaba, AWS, Google, Scaleway)
    "168.63.129.16", "100.100.100.200", "fd00:ec2::254", "fd20:ce::254", "fd00:42::42",
    # IPv6: unspecified, link-local, site-local, multicast, discard, documentation, benchmarking, ORCHID, unallocated
    "::", "fe80::1", "febf::1", "fec0::1", "ff02::1", "ff0e::1", "100::1", "2001:db8::1", "3fff::1", "2001:2::1",
    "2001:10::1", "2001:20::1", "4000::1", "8000::1", "5f00::1",
    # IPv4 inside IPv6: mapped, compatible, translated, NAT64 both prefixes, 6to4, Teredo
    "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "::10.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1",
    "64:ff9b::8.8.8.8", "64:ff9b:1::10.0.0.1", "2002:7f00:1::", "2002:808:808::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    # ISATAP under a global prefix, with and without the universal bit
    "2606:4700::5efe:10.0.0.1", "2606:4700::200:5efe:127.0.0.1", "2606:4700::5efe:169.254.169.254",
    # zones, and what is no address
    "fe80::1%eth0", "2606:4700::1%1", "::1%lo", "", "localhost", "127.1", "0x7f.0.0.1", "2130706433", "①②⑦.0.0.1",
]  # fmt: skip
GLOBAL = [
    "8.8.8.8", "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
    "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255", "198.17.255.255",
    "198.20.0.0", "223.255.255.255", "2606:4700::1111", "2a00:1450::1", "2001:4860:4860::8888", "2003::1",
    "2606:4700::5efe:8.8.8.8",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE + NEVER)
def test_what_is_not_global_is_never_called_by_default(address):
    assert not is_global(address)
    assert not may_call(address)


@pytest.mark.parametrize("address", GLOBAL)
def test_global_addresses_may_be_called(address):
    assert is_global(address)
    assert may_call(address)
    assert may_call(address, allow_private=True)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_may_be_called_where_that_is_configured(address):
    assert may_call(address, allow_private=True)


@pytest.mark.parametrize("address", NEVER)
def test_metadata_and_special_addresses_are_never_called(address):
    assert not may_call(address, allow_private=True)


@given(st.ip_addresses())
def test_we_never_allow_what_python_calls_private(address):
    if is_global(address):
        assert not address.is_private
        assert not address.is_loopback
        assert not address.is_link_local
        assert not address.is_multicast
        assert not address.is_reserved


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_inside_ipv6_opens_nothing(inner):
    number = int(inner)
    for outer in (number, 0xFFFF << 32 | number, 0x64FF9B << 96 | number, 0x2002 << 112 | number << 80):
        assert not may_call(ipaddress.IPv6Address(outer), allow_private=True) or outer == 1


REFUSED_URLS = [
    # T1: schemes and shapes
    "file:///etc/passwd", "gopher://a/", "ftp://a/", "data:image/png;base64,AA", "jar:http://a!/", "http:/x", "http:x",
    "//host/x", "/x", "", "http://", "http:///x", " http://a/", "\thttp://a/", "http://a/\r\nX: y", "javascript:alert(1)",
    "ht\ntp://a/", "unix:/run/x.sock", "http+unix://a/",
    # T5: what is said to be the host and what is
    "http://allowed.com@evil/", "http://user:pw@a/", "http://allowed.com\\@evil/", "http://allowed.com%2f@evil/",
    "http://a:80@evil:80/", "http://a\\b/", "http:\\\\a/", "http://[::1/", "http://::1/", "http://[::1%25lo]/",
    "http://[fe80::1%eth0]/", "http://[127.0.0.1]/", "http://a b/", "http://a%00b/", "http://%61/", "http://é.com/",
    "http://①②⑦.0.0.1/", "http://a:0/", "http://a:65536/", "http://a:x/", "http://a:-1/", "http://a:1:2/",
    "http://a/\x00", "http://a/é", "http://" + "a" * 254 + "/", "http://a/" + "x" * 9000, "http://a,b/", "http://a;b/",
    "http://a'b/", "http://*.a/",
]  # fmt: skip


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_urls_that_are_not_plain_are_refused(url):
    with pytest.raises(OriginForbidden):
        check_url(url)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://example.com/a", ("http", "example.com", 80)),
        ("HTTPS://EXAMPLE.com", ("https", "example.com", 443)),
        ("http://example.com:8080?x", ("http", "example.com", 8080)),
        ("http://[2606:4700::1]:81/", ("http", "[2606:4700::1]", 81)),
        ("https://a_b-c.d.:443/%2e%2e/", ("https", "a_b-c.d.", 443)),
        # odd numbers are names: what they resolve to is checked when connecting
        ("http://2130706433/", ("http", "2130706433", 80)),
        ("http://0x7f.1/", ("http", "0x7f.1", 80)),
    ],
)
def test_plain_urls_are_read(url, origin):
    assert check_url(url).origin == origin


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("b", "http://h:1/p/b"),
        ("/b", "http://h:1/b"),
        ("?x", "http://h:1/p/a?x"),
        ("../../../b", "http://h:1/b"),
        ("//other/b", "http://other/b"),
        ("https://other/b#part", "https://other/b"),
        ("b c|d", "http://h:1/p/b%20c%7Cd"),
        ("caf\xc3\xa9", "http://h:1/p/caf%C3%A9"),
    ],
)
def test_redirects_are_resolved_against_where_they_came_from(location, url):
    assert check_redirect(check_url("http://h:1/p/a"), location).url == url


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd", "ftp://a/", "http://u@b/", "//u:p@b/", "http://a\\b/", "\\\\evil/x", "/\\evil/x",
        "http://[::1/", "javascript:x", "http://a b/", "x\ny", "http://\xe9.com/", "http:///x", "///x", "http:x", "data:,x",
    ],
)  # fmt: skip
def test_redirects_to_anything_but_a_plain_url_are_refused(location):
    with pytest.raises(OriginForbidden):
        check_redirect(check_url("http://h/p/a"), location)
