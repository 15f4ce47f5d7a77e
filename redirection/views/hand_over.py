"""The hand-over page: turns a legacy address with its fragment into a destination page.

A fragment never reaches a server, so the browser carries it here (RFC 9110, 10.2.2) and the
page posts it back. Nothing is stored and nobody is recognised; the answer is always a page of
this very origin, because only the route is taken from the request.
"""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

from redirection.conf import conf
from redirection.deep_links import Counterpart, DeepLink, destination_for

# Longer addresses do not pass common proxies anyway (nginx: 4 buffers of 8 kB).
LONGEST_LINK = 16_384


@login_not_required
@never_cache
@require_GET
def hand_over(request: HttpRequest) -> HttpResponse:
    """The tiny page whose script sends the fragment on; a plain link without JavaScript."""
    context = {
        "tid": _tid(request.GET),
        "from_": request.GET.get("from", "/"),
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
    address, fragment = data.get("from", "/"), data.get("fragment", "")
    if len(address) + len(fragment) > LONGEST_LINK:
        too_long = {"title": _("This link is too long."), "next_step": _("Shorten its filters.")}
        return render(request, "400.html", too_long, status=HTTPStatus.REQUEST_URI_TOO_LONG)
    path, _separator, query = address.partition("?")
    link = destination_for(path, query, fragment, _tid(data))
    if link.counterpart is Counterpart.EXACT:
        return HttpResponseRedirect(link.target)
    if link.counterpart is Counterpart.NEAREST and conf().destination_shows_notices:
        messages.info(request, _notice(link))
        return HttpResponseRedirect(link.target)
    legacy_link = address + (f"#{fragment.removeprefix('#')}" if fragment else "")
    context = {
        "link": link,
        "legacy_link": legacy_link,
        "feedback_url": f"{reverse('redirection:feedback')}?{urlencode({'about': legacy_link})}",
    }
    return render(request, "redirection/no_counterpart.html", context)


def _tid(data: QueryDict) -> str:
    try:
        return str(UUID(data.get("tid", "")))
    except ValueError:
        return ""


def _notice(link: DeepLink) -> str:
    if link.route == "alerts/*":
        return _(
            "Alerts have new numbers here, so your old link cannot open that one alert. "
            "Look for it in this queue, or give feedback if it is missing."
        )
    return _(
        "Your old link has no exact counterpart yet. This is the nearest place: %(feature)s. "
        "Give feedback if something is missing."
    ) % {"feature": link.feature}
