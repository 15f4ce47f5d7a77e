"""The pages and documents of Entra ID that a sign-in meets."""

from __future__ import annotations

import json
from itertools import groupby
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from django.contrib.auth import REDIRECT_FIELD_NAME, get_user_model, login, logout
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, render, resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from oauth2_provider.models import get_application_model
from oauth2_provider.utils import jwk_from_pem
from oauth2_provider.views import AuthorizationView, RPInitiatedLogoutView, TokenView

from portal.demo.people import BY_UID, IN_THE_PORTAL, PEOPLE, TENANT_NAMES
from portal.demo.provider import roles, settings

# The id of a browser's session here, told to the portal as the claim of this name.
SID = "sid"


class Authorize(AuthorizationView):
    """The authorization endpoint."""

    def dispatch(self, request: HttpRequest, tenant: str, *args: Any, **kwargs: Any) -> Any:
        prompts = request.GET.get("prompt", "").split()
        if {"select_account", "login"} & set(prompts):
            # Asked for once; what the list leads back to is answered without asking again.
            query = request.GET.copy()
            del query["prompt"]
            back = f"{request.path}?{query.urlencode()}"
            return HttpResponseRedirect(
                f"{reverse('accounts')}?{urlencode({REDIRECT_FIELD_NAME: back})}"
            )
        if "none" in prompts and not self._is_hinted(request):
            self.oauth2_data: dict[str, Any] = {}
            return self.handle_no_permission()
        response = super().dispatch(request, *args, **kwargs)
        code = parse_qs(urlsplit(response.headers.get("Location", "")).query).get("code")
        if code:
            # The token is fetched without the browser, so the code leads to its session.
            cache.set(code[0], request.session.get(SID), 60)
        return response

    @staticmethod
    def _is_hinted(request: HttpRequest) -> bool:
        hint = request.GET.get("login_hint")
        person = BY_UID.get(request.user.get_username())
        return person is not None and hint in (None, person.address)


class Token(TokenView):
    """The token endpoint."""

    def post(self, request: HttpRequest, tenant: str, *args: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().post(request, *args, **kwargs)
        return response


class Logout(RPInitiatedLogoutView):
    """The end of the session; Entra ID does not ask either where one account is signed in."""

    def get(self, request: HttpRequest, tenant: str, *args: Any, **kwargs: Any) -> HttpResponse:
        client_id = request.GET.get("client_id")
        get_object_or_404(get_application_model(), client_id=client_id)
        response: HttpResponse = super().get(request, *args, **kwargs)
        return response

    def must_prompt(self, token_user: Any) -> bool:
        return False


@require_http_methods(["GET", "POST"])
def accounts(request: HttpRequest) -> HttpResponse:
    """All people, by tenant; one click signs in, for this is a demo."""
    back = request.GET.get(REDIRECT_FIELD_NAME, "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        back = resolve_url("accounts")
    if request.method == "POST":
        user = get_object_or_404(get_user_model(), username=request.POST.get("person", ""))
        login(request, user)
        request.session.setdefault(SID, str(uuid4()))
        return HttpResponseRedirect(back)
    tenants = [
        (TENANT_NAMES[tid], list(people), tid not in IN_THE_PORTAL)
        for tid, people in groupby(PEOPLE, key=lambda person: person.tid)
    ]
    return render(request, "provider/accounts.html", {"tenants": tenants})


@require_http_methods(["GET", "POST"])
def change_roles(request: HttpRequest) -> HttpResponse:
    """Takes directory roles away and gives them back, while everything runs."""
    users = {user.username: user for user in get_user_model().objects.prefetch_related("groups")}
    if request.method == "POST":
        user = users.get(request.POST.get("person", ""))
        if user is not None and user.username in BY_UID:
            roles.change(user, has_role=request.POST.get("role") == "give")
        return HttpResponseRedirect(reverse("roles"))
    people = [
        (person, users[person.uid].groups.all())
        for person in PEOPLE
        if person.directory_role and person.tid in IN_THE_PORTAL
    ]
    return render(request, "provider/roles.html", {"people": people})


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Ends the session here and tells the portal (OpenID Connect Front-Channel Logout 1.0)."""
    person, sid = BY_UID.get(request.user.get_username()), request.session.get(SID)
    logout(request)
    query = urlencode({"iss": _issuer(person.tid), "sid": sid}) if person and sid else ""
    # Entra ID keeps one such address for each app registration, too.
    address = f"{settings.DEMO_PORTALS[0]}/auth/front-channel-logout?{query}" if query else ""
    return render(request, "provider/signed_out.html", {"address": address})


def _issuer(tid: str) -> str:
    return f"{settings.ENTRA_AUTHORITY}/{tid}/v2.0"


@require_safe
def configuration(request: HttpRequest, tenant: str) -> JsonResponse:
    """The discovery document; the issuer of a shared one leaves the tenant open."""
    authority = settings.ENTRA_AUTHORITY
    issuer = "{tenantid}" if tenant in ("organizations", "common") else tenant
    base = f"{authority}/{tenant}"
    return JsonResponse(
        {
            "issuer": f"{authority}/{issuer}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "end_session_endpoint": f"{base}/oauth2/v2.0/logout",
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": ["openid", "profile", "offline_access"],
        }
    )


@require_safe
def keys(request: HttpRequest, tenant: str) -> JsonResponse:
    """The signing key, with the issuers it may sign for."""
    key = jwk_from_pem(settings.SIGNING_KEY)
    public = json.loads(key.export_public())
    return JsonResponse(
        {
            "keys": [
                {
                    **public,
                    "kid": key.thumbprint(),
                    "use": "sig",
                    "issuer": f"{settings.ENTRA_AUTHORITY}/{{tenantid}}/v2.0",
                }
            ]
        }
    )
