"""Choosing a language, which a cookie remembers; without one the browser's own is used."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST

from portal.hosts import legacy_host
from portal.sign_in.addresses import own_path


# Django's own view looks its ``next`` up by URL name, and the sample pages share one.
# Whoever can see a page may read it in their language, signed in or not.
@login_not_required
@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """Remember ``language``, if it is one of the site's, and go back to ``next``, a path here."""
    response = HttpResponseRedirect(own_path(request.POST.get("next")))
    language = request.POST.get("language", "")
    if language in dict(settings.LANGUAGES):
        host = legacy_host(request)
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            language,
            max_age=settings.LANGUAGE_COOKIE_AGE,
            # One choice for the hosts of all tenants, as with the session.
            domain=host.domain if host else None,
            secure=settings.LANGUAGE_COOKIE_SECURE,
            httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
            samesite="Lax",
        )
    return response
