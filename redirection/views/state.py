"""The state of a page of a portal that is not ours: its portal script asks for it."""

from __future__ import annotations

import time
from dataclasses import replace
from http import HTTPStatus

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from redirection import load_notes, loops
from redirection.banner import banner_context
from redirection.load_notes import LoadNote
from redirection.locations import LONGEST_LOCATION
from redirection.portal_script import script_context
from redirection.received_requests import of_target
from redirection.request_classes import TREATMENTS, RequestClass
from redirection.step_back_notice import step_back_notice
from redirection.step_backs import own_page
from redirection.visits import Visit, visit_now

# How a service worker passes a page on, see request_classes.py.
_PASSED_ON = {"HTTP_SEC_FETCH_MODE": "navigate", "HTTP_SEC_FETCH_DEST": "empty"}


# Whoever sees the page has its state, signed in or not.
@login_not_required
@never_cache
@require_GET
def state(request: HttpRequest) -> HttpResponse:
    """What the portal script has to know about the legacy ``page``, and its banners.

    ``load`` is the note on how the page was asked for, ``age`` how many milliseconds ago,
    ``referrer`` the origin of the page before. An HTML document, as a page of this project
    would hold it; 204 where nothing is known of the tenant. A page asks by itself, so the answer
    keeps no session alive.
    """
    if not _is_asked_by_own_page(request):
        raise PermissionDenied
    page = own_page(request.GET.get("page"), (), LONGEST_LOCATION)
    visit = _visit(request, page, load_notes.read(request.GET.get("load", "")))
    context = script_context(visit, page, request.GET.get("referrer", ""))
    if context["visit"] is None:
        response = HttpResponse(status=HTTPStatus.NO_CONTENT)
    else:
        context |= banner_context(request, page, visit) | {"step_back": step_back_notice(visit)}
        response = render(request, "redirection/state.html", context)
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["X-Content-Type-Options"] = "nosniff"
    response.renews_no_session = True  # type: ignore[attr-defined]
    return response


state.keeps_session_alive = False  # type: ignore[attr-defined]


def _is_asked_by_own_page(request: HttpRequest) -> bool:
    """Whether a script of this very origin asks.

    Fetch Metadata says so. A browser without it sends the header that only a script of the own
    origin can add, and no other origin (Fetch Standard, CORS protocol: there is none here).
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin" and request.headers.get("Sec-Fetch-Mode") != "navigate"
    own = (None, f"{request.scheme}://{request.get_host()}")
    by_script = request.headers.get("X-Requested-With") == "XMLHttpRequest"
    return by_script and request.headers.get("Origin") in own


def _visit(request: HttpRequest, page: str, note: LoadNote | None) -> Visit:
    """The visit of ``page`` as it is now, with what ``note`` says of its load."""
    headers = request.META
    if note is not None and note.request_class is RequestClass.PASSED_ON:
        headers = headers | _PASSED_ON
    visit = visit_now(of_target("GET", request.get_host(), page, headers))
    now = time.time_ns() // 1_000_000
    if note is None:
        # As old as it says, or older: nobody is ejected because a switch came in between.
        return replace(visit, now=now - _age(request))
    return replace(
        visit,
        now=min(note.at, now),
        request_class=note.request_class,
        page_load=TREATMENTS[note.request_class].moves,
        returns=loops.MOST_RETURNS + 1 if note.in_a_loop else 0,
    )


def _age(request: HttpRequest) -> int:
    age = request.GET.get("age", "")
    return int(age) if age.isascii() and age.isdecimal() and len(age) < 12 else 0
