"""A site that is put together wrongly says so before it serves anybody."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command

MIDDLEWARE = "redirection.middleware.RedirectionMiddleware"
SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
BACKEND = "redirection.permissions.TenantRolesBackend"


def found(*, deploy: bool = False) -> dict[str, str]:
    """The messages of this project's checks, by id."""
    return {
        message.id: message.msg
        for message in run_checks(include_deployment_checks=deploy)
        if message.id and message.id.startswith(("redirection.", "portal."))
    }


def test_the_site_as_it_is_has_nothing_to_report(settings: Any) -> None:
    settings.REDIRECTION_SENDS_MAIL = True
    assert found(deploy=True) == {}


def test_without_a_way_to_send_mail_a_check_before_deployment_says_so() -> None:
    assert list(found(deploy=True)) == ["redirection.I001"]
    assert found() == {}


def test_a_missing_middleware_is_reported(settings: Any) -> None:
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != MIDDLEWARE]
    assert list(found()) == ["redirection.E001"]


def test_a_middleware_behind_one_that_reads_the_store_is_reported(settings: Any) -> None:
    settings.MIDDLEWARE = [SESSIONS, MIDDLEWARE]
    assert SESSIONS in found()["redirection.E002"]


def test_a_missing_permission_backend_is_reported(settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    assert BACKEND in found()["redirection.E003"]


@pytest.mark.parametrize(
    "clouds",
    [
        {},
        [],
        {"commercial": {}},
        {"commercial": {"legacy": ["portal.example.com"]}},
        {"commercial": {"legacy": "portal.example.com", "destination": "https://s.example.org"}},
        {"commercial": {"legacy": [], "destination": "https://s.example.org"}},
        {"commercial": {"legacy": ["-"], "destination": "https://s.example.org"}},
        {"commercial": {"legacy": ["portal.example.com"], "destination": "s.example.org"}},
        {"commercial": {"legacy": ["portal.example.com"], "destination": "ftp://s.example.org"}},
        {"commercial": {"legacy": ["portal.example.com"], "destination": "https://s/path"}},
        {"commercial": {"legacy": ["portal.example.com"], "destination": "https://a@s.example"}},
    ],
)
def test_wrong_clouds_are_reported(settings: Any, clouds: object) -> None:
    settings.REDIRECTION_CLOUDS = clouds
    assert list(found()) == ["redirection.E004"]


@pytest.mark.parametrize(
    "destination", ["https://example.com", "https://security.example.com:8443"]
)
def test_a_destination_below_a_legacy_domain_is_reported(settings: Any, destination: str) -> None:
    settings.REDIRECTION_CLOUDS = {
        "commercial": {"legacy": ["example.com"], "destination": destination}
    }
    assert destination in found()["redirection.E007"]


def test_a_destination_beside_a_legacy_domain_is_fine(settings: Any) -> None:
    settings.REDIRECTION_CLOUDS = {
        "commercial": {
            "legacy": ["portal.example.com"],
            "destination": "http://newportal.example.com",
        }
    }
    assert found() == {}


def test_without_its_own_path_exempt_the_site_is_reported(settings: Any) -> None:
    settings.REDIRECTION_EXEMPT_PATHS = ["/api/"]
    assert list(found()) == ["redirection.E005"]


@pytest.mark.parametrize("path", ["/", "//", "api/", ""])
def test_an_exempt_path_that_is_none_or_everything_is_reported(settings: Any, path: str) -> None:
    settings.REDIRECTION_EXEMPT_PATHS = ["/redirection", path]
    assert repr(path) in found()["redirection.E006"]


def test_an_embedding_site_may_leave_the_settings_to_their_defaults(settings: Any) -> None:
    del settings.REDIRECTION_CLOUDS
    del settings.REDIRECTION_EXEMPT_PATHS
    assert found() == {}


@pytest.mark.parametrize(
    "authority",
    ["http://login.example.com", "http://10.0.0.1:8001", "http://localhost.example.com"],
)
def test_sign_in_over_plain_http_is_reported(settings: Any, authority: str) -> None:
    settings.ENTRA_AUTHORITY = authority
    assert authority in found()["portal.E001"]


@pytest.mark.parametrize(
    "authority",
    ["https://login.example.com", "http://127.0.0.1:8001", "http://[::1]", "http://a.localhost"],
)
def test_sign_in_over_https_or_on_this_machine_is_fine(settings: Any, authority: str) -> None:
    settings.ENTRA_AUTHORITY = authority
    assert found() == {}


def test_a_session_cookie_that_would_not_come_back_is_reported(settings: Any) -> None:
    settings.SESSION_COOKIE_SAMESITE = "Strict"
    assert list(found()) == ["portal.E002"]


@pytest.mark.parametrize("name", ["SOCIAL_AUTH_ENTRA_ID_KEY", "SOCIAL_AUTH_ID_KEY"])
def test_another_key_of_identity_is_reported(settings: Any, name: str) -> None:
    setattr(settings, name, "email")
    assert name in found()["portal.E003"]


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("SOCIAL_AUTH_ENTRA_KEY", "ENTRA_CLIENT_ID"),
        ("SOCIAL_AUTH_ENTRA_SECRET", "ENTRA_CLIENT_SECRET"),
    ],
)
def test_a_missing_app_registration_is_reported_before_going_live(
    settings: Any, name: str, variable: str
) -> None:
    setattr(settings, name, "")
    assert found() == {}
    assert variable in found(deploy=True)["portal.W001"]


def test_the_check_command_fails_and_says_what_to_do(settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = []
    with pytest.raises(CommandError, match=r"redirection\.E003.*\n\tHINT: Add it"):
        call_command("check")
