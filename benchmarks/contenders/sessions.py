"""What is usually written first: who is it, and has their tenant moved?"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path

from benchmarks.browsers import DESTINATION, Served
from benchmarks.contenders.bare_django import CONTENT_TYPES, configure, served, store

# Known beforehand, for whoever sends requests from another process.
SESSION = "s" * 32


def stored(kept: int = 0) -> Served:
    """The session in the database, as in a new project. ``kept``: so is the connection."""
    _configure("django.contrib.sessions.backends.db", kept=bool(kept))
    return served(cookie=f"sessionid={_signed_in(SESSION)}")


def signed_cookies() -> Served:
    """The session in a signed cookie."""
    _configure("django.contrib.sessions.backends.signed_cookies", kept=False)
    return served(cookie=f"sessionid={_signed_in()}")


def by_setting(request: HttpRequest) -> HttpResponse:
    """A redirect for who is signed in and whose tenant has moved."""
    from benchmarks.contenders.rows.models import Setting

    tenant = request.get_host().partition(".")[0]
    if request.user.is_authenticated and Setting.objects.get(tenant=tenant).moved:
        return HttpResponseRedirect(f"{DESTINATION}{request.get_full_path()}")
    return HttpResponse("The legacy page")


urlpatterns = [path("audits", by_setting)]


def _configure(engine: str, *, kept: bool) -> None:
    configure(
        INSTALLED_APPS=[
            *CONTENT_TYPES,
            "django.contrib.sessions",
            "benchmarks.contenders.rows",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        SESSION_ENGINE=engine,
        ROOT_URLCONF=__name__,
        DATABASES=store(kept=kept),
    )


def _signed_in(key: str = "") -> str:
    """Store a thousand settings and somebody who is signed in; the key of their session."""
    from importlib import import_module

    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.auth.models import User
    from django.contrib.sessions.models import Session

    from benchmarks.contenders.rows.models import Setting

    Setting.objects.bulk_create(Setting(tenant=f"tenant{n}", moved=True) for n in range(1000))
    person = User.objects.create_user("ada")
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    if key:
        Session.objects.save(key, dict(session.items()), session.get_expiry_date())
        return key
    session.save()
    return str(session.session_key)
