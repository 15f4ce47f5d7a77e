"""Asking for somebody's roles again before a change."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from redirection import refusals
from redirection.conf import conf


def ask_again(request: HttpRequest, back: str) -> HttpResponse:
    """Off to where roles are checked, and then to ``back``, a path of this site.

    Where the site names no such page (REDIRECTION_CHECK_ROLES_URL), a new sign-in does it.
    """
    refusals.record(request, refusals.What.ROLES_TOO_OLD, asked=request.POST.get("tid", ""))
    page = conf().check_roles_url
    if not page:
        return redirect_to_login(back)
    return HttpResponseRedirect(f"{reverse(page)}?{urlencode({'next': back})}")
