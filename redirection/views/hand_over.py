"""The hand-over page: turns a legacy address with its fragment into a destination page.

A fragment never reaches a server, so the browser carries it here (RFC 9110, 10.2.2) and the
page posts it back. Nothing is stored and nobody is recognised; the answer is always a page of
this very origin, because only the route is taken from the request.
"""

from __future__ import annotations

import time
from http import HTTPStatus
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from redirection import counted_links, counted_loads, rule_uses, switches
from redirection.conf import conf
from redirection.deep_links import Counterpart, DeepLink
from redirection.locations import LONGEST_LOCATION
from redirection.models import Feedback, Tenant
from redirection.step_back_offers import offer
from redirection.traffic import Answer
from redirection.views.page_seen import is_same_origin
from redirection.views.way_back import address_while_off, tell_while_off


@login_not_required
@never_cache
@require_safe
def hand_over(request: HttpRequest) -> HttpResponse:
    """The tiny page whose script sends the fragment on; a plain link without JavaScript."""
    context = {
        "tid": _tid(request.GET),
        "from_": request.GET.get("from", "/"),
        "counted": request.GET.get("counted", ""),
        "go_url": reverse("redirection:go"),
    }
    return render(request, "redirection/hand_over.html", context)


# Exempt from CSRF: it changes nothing and a lost cookie must not lose the link.
@csrf_exempt
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def go(request: HttpRequest) -> HttpResponse:
    """Redirect to the counterpart of the legacy link, or say honestly that there is none."""
    data = request.POST if request.method == "POST" else request.GET
    asked = {"tid": _tid(data), "from": data.get("from", "/"), "fragment": data.get("fragment", "")}
    path, _separator, query = asked["from"].partition("?")
    link = switches.held().link(path, query, asked["fragment"], asked["tid"])
    _count(request, path, asked["fragment"], asked["tid"])
    rule_uses.note_link(link, time.time_ns() // 1_000_000)
    if len(link.target) > LONGEST_LOCATION:
        too_long = {"title": _("This link is too long."), "next_step": _("Shorten its filters.")}
        status = HTTPStatus.REQUEST_URI_TOO_LONG
        return render(request, "redirection/refused.html", too_long, status=status)
    legacy_link = asked["from"]
    if asked["fragment"]:
        legacy_link += f"#{asked['fragment'].removeprefix('#')}"
    old_address = address_while_off(asked["tid"], legacy_link)
    shows_notices = conf().destination_shows_notices
    if link.counterpart is Counterpart.EXACT and (shows_notices or old_address is None):
        tell_while_off(request, old_address)
        return HttpResponseRedirect(link.target)
    feedback_url = _feedback_url(request, asked["tid"], legacy_link)
    if link.counterpart is Counterpart.NEAREST and shows_notices:
        tell_while_off(request, old_address)
        step_back_url = offer(request, asked["tid"], legacy_link)
        messages.info(request, _notice(link, feedback_url, step_back_url))
        return HttpResponseRedirect(link.target)
    address = f"{reverse('redirection:go')}?{urlencode(asked)}"
    if request.method == "POST" and len(address) <= LONGEST_LOCATION:
        # An address of its own: the page can be reloaded, and the way back leads to it.
        return HttpResponseRedirect(address)
    context = {
        "link": link,
        "legacy_link": legacy_link,
        "feedback_url": feedback_url,
        "tid": asked["tid"],
        "old_address": old_address,
    }
    exact = link.counterpart is Counterpart.EXACT
    page = "redirection/only_there.html" if exact else "redirection/no_counterpart.html"
    return render(request, page, context)


def _count(request: HttpRequest, path: str, fragment: str, tid: str) -> None:
    """The load that led here was counted before its fragment was known; its sum stays."""
    claimed = request.POST.get("counted") if request.method == "POST" else None
    if claimed and tid in switches.held().by_tid and is_same_origin(request):
        now = time.time_ns() // 1_000_000
        counted = counted_loads.counted_at(conf(), tid, path, claimed, now)
        if counted is not None:
            counted_links.told(tid, counted, path, fragment, Answer.REDIRECTED, Answer.REDIRECTED)


def _feedback_url(request: HttpRequest, tid: str, legacy_link: str) -> str:
    query = {"about": legacy_link}
    # A link into an organisation that is not the person's own is still theirs to report on.
    known = request.user.is_authenticated and Tenant.objects.known_to(request.user)
    if tid and known and known.filter(tid=tid).exists():
        query["tid"] = tid
    query["from"] = Feedback.Source.NO_COUNTERPART.value
    return f"{reverse('redirection:feedback')}?{urlencode(query)}"


def _tid(data: QueryDict) -> str:
    try:
        return str(UUID(data.get("tid", "")))
    except ValueError:
        return ""


def _notice(link: DeepLink, feedback_url: str, step_back_url: str) -> SafeString:
    if link.route == "alerts/*":
        text = _("Alerts have new numbers here: look for yours in this queue.")
    else:
        text = _("Your old link has no exact counterpart yet; this is the nearest place.")
    steps = [(feedback_url, _("Tell us if something is missing"))]
    if step_back_url:
        steps.append((step_back_url, _("Open your old link for one task")))
    return format_html("{} {}", text, format_html_join(" · ", '<a href="{}">{}</a>', steps))
