"""The portal script tells which page a tab of the legacy portal really shows.

A fragment never reaches a server, so a load of the shell page is counted under an unknown
page until the browser tells. The fragment is mapped to a route template and forgotten.
"""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import parse_qsl

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from redirection import counted_links
from redirection.traffic import Answer
from redirection.visits import Visit

# A fragment of 2,000 characters and a path, percent-encoded.
_LONGEST_BODY = 9_000
_LONGEST_FRAGMENT = 2_000


# Exempt from CSRF: a cached page has an old token. What a token would prove is proven by the
# cookie of the legacy session, which no other site's request carries (SameSite=Lax), and by
# Sec-Fetch-Site, where sites of one domain differ; all it does is to move a count.
@csrf_exempt
@login_not_required
@require_POST
def page_seen(request: HttpRequest) -> HttpResponse:
    """Take note of ``path`` and ``fragment`` of a load; ``moved_on`` if the tab went on.

    ``counted`` is empty for an answer that is no page. The answer is 204 in any case: nobody
    reads it.
    """
    visit: Visit | None = getattr(request, "redirection", None)
    if visit is None or visit.tenant is None:
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    at_work = visit.session_runs or visit.step_back is not None
    if at_work and is_same_origin(request):
        _take_note(_told(request), visit.tenant.tid, visit.now)
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


def is_same_origin(request: HttpRequest) -> bool:
    """Whether a page of this very origin asks, as far as the browser says (Fetch Metadata)."""
    return request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"


def _take_note(told: dict[str, str], tid: str, now: int) -> None:
    if not told.get("path", "").startswith("/"):
        return
    path, fragment = told["path"], told.get("fragment", "")[:_LONGEST_FRAGMENT]
    moved_on, counted = bool(told.get("moved_on")), bool(told.get("counted"))
    if counted:
        answer = Answer.REDIRECTED if moved_on else Answer.KEPT
        counted_links.told(tid, now, path, fragment, Answer.KEPT, answer)
    elif moved_on:
        counted_links.told_uncounted(tid, now, path, fragment)


def _told(request: HttpRequest) -> dict[str, str]:
    """The fields of the body, whatever it says about its character set; none if it is long."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if not (length.isascii() and length.isdecimal() and len(length) < len(str(_LONGEST_BODY)) + 1):
        return {}
    if int(length) > _LONGEST_BODY:
        return {}
    try:
        return dict(parse_qsl(request.body.decode(errors="replace"), max_num_fields=10))
    except ValueError:
        return {}
