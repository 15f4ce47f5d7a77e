"""The pages around a sign-in; the sign-in itself is the library's."""

from __future__ import annotations

from django.contrib.auth import BACKEND_SESSION_KEY, REDIRECT_FIELD_NAME, logout
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from portal.hosts import legacy_host
from portal.sign_in.addresses import host_signed_out_from, own_path, provider_sign_out
from redirection import legacy_sessions
from redirection.conf import conf

ENTRA_BACKEND = "portal.sign_in.backend.EntraBackend"


@login_not_required
@never_cache
@require_safe
def sign_in(request: HttpRequest) -> HttpResponse:
    """Offers to sign in; somebody who already is goes on to ``next``, a path on this host."""
    path = own_path(request.GET.get(REDIRECT_FIELD_NAME))
    if request.user.is_authenticated:
        return HttpResponseRedirect(path)
    return render(request, "sign_in/sign_in.html", {"next": path})


@login_not_required
@never_cache
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Ends the sessions of both portals in this browser, then the one at Entra ID."""
    through_entra = request.session.get(BACKEND_SESSION_KEY) == ENTRA_BACKEND
    logout(request)
    response = HttpResponseRedirect(provider_sign_out(request) if through_entra else "/")
    host = legacy_host(request)
    if host is not None:
        legacy_sessions.end(conf(), request.COOKIES, response, host.domain)
    return response


@login_not_required
@never_cache
@require_safe
def signed_out(request: HttpRequest) -> HttpResponse:
    """Back from Entra ID: on to the host the person signed out on, or a page that says so."""
    host = host_signed_out_from(request.GET.get("state", ""))
    if host is not None:
        return HttpResponseRedirect(f"{request.scheme}://{host}/")
    return render(request, "sign_in/signed_out.html")
