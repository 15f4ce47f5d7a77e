"""A configuration that would let the wrong person in does not start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from portal.checks import GUARDS, HTTP_ONLY, SECURE
from tests.test_checks import found

HTTPS = {
    "commercial": {"legacy": ["portal.example.com"], "destination": "https://security.example.org"}
}


@pytest.mark.parametrize("name", SECURE)
def test_a_cookie_sent_in_the_clear_is_reported(settings: Any, name: str) -> None:
    settings.REDIRECTION_CLOUDS = HTTPS
    for cookie in SECURE:
        setattr(settings, cookie, cookie != name)

    assert name in found()["portal.E004"]


def test_protected_cookies_are_fine(settings: Any) -> None:
    settings.REDIRECTION_CLOUDS = HTTPS
    for cookie in SECURE:
        setattr(settings, cookie, True)

    assert found() == {}


@pytest.mark.parametrize("name", HTTP_ONLY)
def test_a_cookie_that_scripts_can_read_is_reported(settings: Any, name: str) -> None:
    setattr(settings, name, False)

    assert name in found()["portal.E004"]


@pytest.mark.parametrize("name", GUARDS)
def test_a_missing_guard_is_reported(settings: Any, name: str) -> None:
    settings.MIDDLEWARE = [other for other in settings.MIDDLEWARE if other != name]

    assert "portal.E005" in found()


def test_guards_in_the_wrong_order_are_reported(settings: Any) -> None:
    others = [name for name in settings.MIDDLEWARE if name not in GUARDS]
    settings.MIDDLEWARE = [*others, *reversed(GUARDS)]

    assert "portal.E005" in found()


def test_two_credentials_are_reported(settings: Any) -> None:
    settings.ENTRA_CLIENT_ASSERTION_FILE = "/run/assertion"

    assert "both set" in found()["portal.E006"]


def test_an_assertion_alone_is_fine(settings: Any) -> None:
    settings.ENTRA_CLIENT_ASSERTION_FILE = "/run/assertion"
    settings.SOCIAL_AUTH_ENTRA_SECRET = ""

    assert "portal.E006" not in found(deploy=True)


def test_certificates_that_cannot_be_read_are_reported(settings: Any, tmp_path: Path) -> None:
    settings.ENTRA_CA_FILE = str(tmp_path / "nowhere.pem")
    assert "No such file" in found()["portal.E007"]

    empty = tmp_path / "ca.pem"
    empty.write_text("not a certificate")
    settings.ENTRA_CA_FILE = str(empty)
    assert str(empty) in found()["portal.E007"]
