"""The pages around a sign-in; the sign-in itself is the library's."""

from __future__ import annotations

import logging

from csp.decorators import csp_replace
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, REDIRECT_FIELD_NAME, logout
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_GET, require_POST, require_safe
from social_django import views as social
from social_django.models import DjangoStorage
from social_django.strategy import DjangoStrategy

from portal.hosts import legacy_host
from portal.models import Person
from portal.sign_in import provider_sessions
from portal.sign_in.addresses import host_signed_out_from, own_path, provider_sign_out
from portal.sign_in.backend import EntraBackend
from portal.sign_in.middleware import refusal_page
from portal.sign_in.refusals import Refusal
from portal.sign_in.role_check import RoleCheck
from redirection import legacy_sessions, step_backs, switches
from redirection.conf import conf
from redirection.legacy_hosts import LegacyHost

logger = logging.getLogger(__name__)

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
    provider_sessions.end_with(request)
    logout(request)
    host = legacy_host(request)
    here = _after_sign_out(host)
    response = HttpResponseRedirect(provider_sign_out(request) if through_entra else here)
    if host is not None:
        legacy_sessions.end(conf(), request.COOKIES, response, host.domain)
        step_backs.end_all(conf(), request.COOKIES, response, host.domain)
    return response


@login_not_required
@never_cache
@require_safe
def signed_out(request: HttpRequest) -> HttpResponse:
    """Back from Entra ID: on to the host the person signed out on, or a page that says so."""
    host = host_signed_out_from(request.GET.get("state", ""))
    if host is not None:
        path = _after_sign_out(conf().legacy_hosts.parse(host))
        return HttpResponseRedirect(f"{request.scheme}://{host}{path}")
    return render(request, "sign_in/signed_out.html", {"moved": _is_moved(legacy_host(request))})


def _after_sign_out(host: LegacyHost | None) -> str:
    """Where a sign-out ends: while ``host`` is redirected, on a page that says so first."""
    return reverse("signed_out") if _is_moved(host) else "/"


def _is_moved(host: LegacyHost | None) -> bool:
    tenant = switches.held().by_name.get(host.tenant) if host and host.tenant else None
    return tenant is not None and tenant.on and conf().destination(tenant.cloud) is not None


@login_not_required
@require_GET
def complete(request: HttpRequest, backend: str) -> HttpResponse:
    """Back from Entra ID: the library's answer, and a note which session of Entra ID it was."""
    response: HttpResponse = social.complete(request, backend)
    if isinstance(request.user, Person):
        provider_sessions.remember(request, request.user, request.backend.sid)  # type: ignore[attr-defined]
    return response


@login_not_required
@never_cache
@require_GET
def check_roles(request: HttpRequest) -> HttpResponse:
    """Asks Entra ID for the roles of whoever is signed in, and comes back to ``next``.

    A sign-in begins with a form, so that nobody is signed in as somebody else by a link. This
    may be a link: the answer counts for the person already signed in and nobody else, and
    ``next`` is a path on this host. What a foreign link achieves is a fresher role snapshot.
    """
    path = own_path(request.GET.get(REDIRECT_FIELD_NAME))
    person = request.user
    if not isinstance(person, Person):
        return redirect_to_login(path)
    if request.session.get(BACKEND_SESSION_KEY) != ENTRA_BACKEND:
        return refusal_page(request, Refusal.OPERATOR, path)
    callback = reverse("social:complete", args=["entra"])
    backend = EntraBackend(DjangoStrategy(DjangoStorage, request), callback)
    backend.role_check = RoleCheck(person.username, hint=person.email)
    return backend.start()


@login_not_required
@never_cache
@xframe_options_exempt
@require_GET
def front_channel_logout(request: HttpRequest) -> HttpResponseBase:
    """Ends the sessions that came from ``sid``: Entra ID opens this in a frame when it ends.

    OpenID Connect Front-Channel Logout 1.0, 3. The answer is the same whatever was found.
    """
    ended = provider_sessions.end_from_provider(request.GET.get("sid"), request.GET.get("iss"))
    logger.info("Front-channel logout ended %d sessions", ended)
    framed = csp_replace({"frame-ancestors": [settings.ENTRA_AUTHORITY]})
    return framed(lambda _: HttpResponse(content_type="text/plain"))(request)
