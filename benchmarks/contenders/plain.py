"""What costs next to nothing, and what Django itself costs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from wsgiref.types import StartResponse

from django.http import HttpRequest, HttpResponse

from benchmarks.browsers import DESTINATION, Environ, Served, page_load
from benchmarks.contenders.bare_django import CONTENT_TYPES, HOST, configure, constant, served

_QUERY = "activity.id=eq(abc123,)"


def floor() -> Served:
    """A view without any middleware."""
    configure()
    return served(query=_QUERY)


def function() -> Served:
    """No framework at all."""

    def answer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("302 Found", [("Location", f"{DESTINATION}/cloudapps/activity-log")])
        return []

    return Served(answer, [page_load(HOST, "/audits", _QUERY)])


def constant_middleware(get_response: object) -> Callable[[HttpRequest], HttpResponse]:
    """Answers everything by itself."""
    return constant


def middleware() -> Served:
    """Django's handler, but neither URLs nor a view."""
    configure(MIDDLEWARE=[f"{__name__}.constant_middleware"])
    return served(query=_QUERY)


def default_stack() -> Served:
    """The middleware of a new project."""
    configure(
        INSTALLED_APPS=[*CONTENT_TYPES, "django.contrib.sessions", "django.contrib.messages"],
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
        ],
    )
    return served(query=_QUERY)
