"""Which host names belong to the legacy portal."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from redirection.legacy_hosts import LegacyHost, LegacyHosts

HOSTS = LegacyHosts(
    {
        "portal.example.com": "commercial",
        "example.com": "commercial",
        "portal.example.us": "gcc-high",
    },
    ["us", "us2", "eu"],
)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("portal.example.com", LegacyHost("commercial", "portal.example.com")),
        (
            "contoso.portal.example.com",
            LegacyHost("commercial", "portal.example.com", tenant="contoso"),
        ),
        (
            "contoso.us2.portal.example.com",
            LegacyHost("commercial", "portal.example.com", tenant="contoso", region="us2"),
        ),
        ("eu.portal.example.com", LegacyHost("commercial", "portal.example.com", region="eu")),
        ("contoso.example.com", LegacyHost("commercial", "example.com", tenant="contoso")),
        (
            "fabrikam.portal.example.us",
            LegacyHost("gcc-high", "portal.example.us", tenant="fabrikam"),
        ),
    ],
)
def test_a_legacy_host_names_cloud_tenant_and_region(host: str, expected: LegacyHost) -> None:
    assert HOSTS.parse(host) == expected


@pytest.mark.parametrize(
    "host",
    [
        "CONTOSO.Portal.Example.COM",
        "contoso.portal.example.com:8000",
        "contoso.portal.example.com.",
        "contoso.portal.example.com.:443",
    ],
)
def test_case_port_and_final_dot_do_not_matter(host: str) -> None:
    parsed = HOSTS.parse(host)
    assert parsed is not None
    assert parsed.tenant == "contoso"


@pytest.mark.parametrize(
    "host",
    [
        "",
        "security.example.org",
        "notportal.example.org",
        "portal.example.com.evil.test",
        "evil-portal.example.net",
        ".portal.example.com",
        "a..b.portal.example.com",
        "-a.portal.example.com",
        "a_b.portal.example.com",
        "x.contoso.us.portal.example.com",
        "contoso.mars.portal.example.com",
        "us.eu.portal.example.com",
        "contoso.portal.example.com:port",
        "contoso.portal.example.com:123456",
        "[::1]:8000",
        "contoso\n.portal.example.com",
        "contoso.portal.example.com\x00",
        f"{'a' * 64}.portal.example.com",
        ".".join(["a" * 60] * 4) + ".portal.example.com",
    ],
)
def test_any_other_host_is_not_a_legacy_host(host: str) -> None:
    assert HOSTS.parse(host) is None


@given(st.text(max_size=300))
def test_no_text_whatever_breaks_it(host: str) -> None:
    parsed = HOSTS.parse(host)
    assert parsed is None or host.lower().startswith(
        parsed.tenant or parsed.region or parsed.domain
    )


@pytest.mark.parametrize(("tenant", "is_one"), [("abc", True), ("abcd", False)])
def test_a_name_has_at_most_253_characters(tenant: str, is_one: bool) -> None:
    domain = ".".join(["a" * 49] * 5)
    found = LegacyHosts({domain: "commercial"}, []).parse(f"{tenant}.{domain}:8000")
    assert (found is not None) is is_one
