"""What a project around the app lacks is said in words before it serves anybody."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from django.urls import include, path

from redirection.conf import conf
from tests.test_checks import found

# The addresses of legacy hosts alone.
LEGACY_ONLY = "tests.foreign_portal"
# One URLconf for both portals: this module.
BOTH = __name__
urlpatterns = [
    path("auth/", include("portal.sign_in.urls")),
    path("", include("redirection.both_urls")),
]


@pytest.mark.parametrize("name", ["django_htmx", "django.contrib.messages"])
def test_a_missing_app_is_reported(settings: Any, name: str) -> None:
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != name]
    assert repr(name) in found()["redirection.E021"]


@pytest.mark.parametrize("name", ["MessageMiddleware", "SessionMiddleware"])
def test_a_middleware_that_the_pages_need_is_reported(settings: Any, name: str) -> None:
    settings.MIDDLEWARE = [path for path in settings.MIDDLEWARE if not path.endswith(f".{name}")]
    assert name in found()["redirection.E022"]


@pytest.mark.parametrize("name", ["portal_names", "messages"])
def test_a_missing_context_processor_is_reported(settings: Any, name: str) -> None:
    changed = deepcopy(settings.TEMPLATES)
    options = changed[0]["OPTIONS"]
    options["context_processors"] = [
        path for path in options["context_processors"] if not path.endswith(f".{name}")
    ]
    settings.TEMPLATES = changed
    assert f".{name}'" in found()["redirection.E023"]


def test_templates_that_look_into_no_app_are_reported(settings: Any) -> None:
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "APP_DIRS": False}]
    assert "redirection.E025" in found()
    settings.TEMPLATES = []
    assert "redirection.E025" in found()


def test_a_loader_that_looks_into_apps_is_enough(settings: Any) -> None:
    changed = deepcopy(settings.TEMPLATES)
    changed[0]["APP_DIRS"] = False
    changed[0]["OPTIONS"]["loaders"] = [
        (
            "django.template.loaders.cached.Loader",
            ["django.template.loaders.app_directories.Loader"],
        )
    ]
    settings.TEMPLATES = changed
    assert found() == {}


def test_a_destination_without_pages_is_reported(settings: Any) -> None:
    settings.ROOT_URLCONF = LEGACY_ONLY
    assert "redirection.E024" in found()


def test_a_project_for_legacy_hosts_alone_names_the_pages_of_the_other(settings: Any) -> None:
    settings.ROOT_URLCONF = LEGACY_ONLY
    settings.REDIRECTION_DESTINATION_URLCONF = "redirection.destination_urls"
    assert found() == {}
    assert conf().hand_over_path == "/redirection/hand-over"


@pytest.mark.parametrize("address", ["/accounts/login/", "no_such_name"])
def test_a_sign_in_that_leads_nowhere_is_reported(settings: Any, address: str) -> None:
    settings.LOGIN_URL = address
    assert address in found()["redirection.W021"]


def test_a_sign_in_on_another_host_is_no_concern(settings: Any) -> None:
    settings.LOGIN_URL = "https://login.example.com/"
    assert found() == {}


@pytest.mark.parametrize("exempt", [["/redirection/"], ["/redirection/", "/auth/sign"]])
def test_a_sign_in_that_legacy_hosts_redirect_is_reported(settings: Any, exempt: list[str]) -> None:
    settings.REDIRECTION_EXEMPT_PATHS = exempt
    # Addresses of legacy hosts are elsewhere: whatever signs people in is of the destination.
    assert found() == {}
    settings.ROOT_URLCONF = BOTH
    assert "'/auth/sign-in'" in found()["redirection.W023"]
    settings.REDIRECTION_EXEMPT_PATHS = [*exempt, "/auth"]
    assert found() == {}


def test_a_sign_in_elsewhere_is_redirected_by_nobody(settings: Any) -> None:
    settings.ROOT_URLCONF = BOTH
    settings.REDIRECTION_EXEMPT_PATHS = ["/redirection/"]
    settings.LOGIN_URL = "https://login.example.com/"
    assert found() == {}


@pytest.mark.parametrize(
    "policy", ["same-origin", "no-referrer", ["origin", "same-origin"], "origin, no-referrer"]
)
def test_a_policy_that_hides_the_host_somebody_comes_from_is_reported(
    settings: Any, policy: object
) -> None:
    settings.SECURE_REFERRER_POLICY = policy
    assert list(found()) == ["redirection.W022"]
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "Security" not in name]
    assert "redirection.W022" not in found()


@pytest.mark.parametrize(
    "policy", [None, "", "strict-origin-when-cross-origin", "no-referrer, strict-origin", []]
)
def test_a_policy_that_names_the_host_somebody_comes_from_is_fine(
    settings: Any, policy: object
) -> None:
    settings.SECURE_REFERRER_POLICY = policy
    assert found() == {}


def test_roles_that_nobody_can_ask_for_are_reported(settings: Any) -> None:
    settings.REDIRECTION_CHECK_ROLES_URL = ""
    assert "redirection.W020" in found()
    settings.REDIRECTION_ROLES_MAX_AGE = None
    assert found() == {}


def test_wrong_clouds_are_reported_once(settings: Any) -> None:
    settings.REDIRECTION_CLOUDS = {}
    assert list(found()) == ["redirection.E004"]
