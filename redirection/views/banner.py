"""Closing the banner of the legacy portal for the rest of the browser session."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST

from redirection.banner import CLOSED_COOKIE, Variant
from redirection.locations import LONGEST_LOCATION
from redirection.step_backs import own_page


# Whoever sees the banner may close it, signed in or not.
@login_not_required
@require_POST
def close_banner(request: HttpRequest) -> HttpResponse:
    """Remember the closed variant in a session cookie and go back to the page."""
    response = HttpResponseRedirect(own_page(request.POST.get("next"), (), LONGEST_LOCATION))
    variant = request.POST.get("variant", "")
    if variant in list(Variant):
        response.set_cookie(
            CLOSED_COOKIE, variant, secure=request.is_secure(), httponly=True, samesite="Lax"
        )
    return response
