"""The shipped proxies speak TLS 1.2 and 1.3, and take no cipher that is not recommended."""

from __future__ import annotations

import socket
import ssl

import pytest

from tests.proxies import Proxy

# Of TLS 1.2 and older, with the certificate of an elliptic curve that the tests have: no forward
# secrecy, no authentication of what is encrypted, or a broken hash.
WEAK = (
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-ECDSA-AES128-SHA256",
    "ECDHE-ECDSA-AES256-SHA384",
    "ECDHE-ECDSA-AES128-CCM8",
)
GOOD = "ECDHE-ECDSA-AES128-GCM-SHA256"


def client(oldest: ssl.TLSVersion, newest: ssl.TLSVersion, ciphers: str = "ALL") -> ssl.SSLContext:
    """A client that takes whatever these versions and ciphers give, and believes anybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    # The system's own rules would refuse before the proxy is asked.
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = oldest, newest
    return context


def spoken(front: Proxy, context: ssl.SSLContext) -> tuple[str | None, str]:
    """Version and cipher that the proxy and the client agree on; raises ssl.SSLError."""
    with (
        socket.create_connection(("127.0.0.1", front.port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname="contoso.portal.localhost") as secured,
    ):
        cipher = secured.cipher()
        assert cipher is not None
        return secured.version(), cipher[0]


def test_the_newest_version_is_preferred(front: Proxy) -> None:
    context = client(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.MAXIMUM_SUPPORTED)
    assert spoken(front, context)[0] == "TLSv1.3"


def test_a_browser_that_knows_only_the_one_before_is_served(front: Proxy) -> None:
    context = client(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2, GOOD)
    assert spoken(front, context) == ("TLSv1.2", GOOD)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_an_old_protocol_is_refused(front: Proxy, version: ssl.TLSVersion) -> None:
    context = client(version, version)
    with pytest.raises(ssl.SSLError, match="alert"):
        spoken(front, context)


@pytest.mark.parametrize("cipher", WEAK)
def test_a_weak_cipher_is_refused(front: Proxy, cipher: str) -> None:
    context = client(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2, cipher)
    with pytest.raises(ssl.SSLError, match="alert"):
        spoken(front, context)
