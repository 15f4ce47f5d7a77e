"""What the banner of a legacy page that is open says now: its script asks from time to time."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from redirection.banner import banner_context
from redirection.step_back_notice import step_back_notice
from redirection.views.page_seen import is_same_origin
from redirection.visits import Visit


# Whoever sees the page sees its banner, signed in or not.
@login_not_required
@never_cache
@require_GET
def here(request: HttpRequest) -> HttpResponse:
    """The banners of the legacy ``page`` for the tenant ``tid`` as they are now; 204 for none.

    A page asks by itself, so the answer keeps no session alive.
    """
    if not is_same_origin(request):
        raise PermissionDenied
    page = request.GET.get("page", "/")
    if not page.startswith("/") or not url_has_allowed_host_and_scheme(page, allowed_hosts=None):
        page = "/"
    visit: Visit | None = getattr(request, "redirection", None)
    context = banner_context(request, page, visit) | {"step_back": step_back_notice(visit)}
    if context["banner"] is None and context["step_back"] is None:
        response = HttpResponse(status=HTTPStatus.NO_CONTENT)
    else:
        response = render(request, "redirection/here.html", context)
    response.renews_no_session = True  # type: ignore[attr-defined]
    return response


here.keeps_session_alive = False  # type: ignore[attr-defined]
