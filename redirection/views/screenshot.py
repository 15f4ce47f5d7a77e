"""The picture of a report, from where nothing in it can run."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from redirection.feedback.own import reports_of
from redirection.models import Feedback, Screenshot
from redirection.permissions import VIEW_REDIRECTION, may
from redirection.views.visited import named_by_host

# Pixels, and nothing that a browser could take them for, embed elsewhere, or keep.
HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


@never_cache
@require_safe
@login_required
def screenshot(request: HttpRequest, number: int) -> HttpResponse:
    """For the sender, admins of the sender's own tenant, and operators who may read feedback."""
    found = Screenshot.objects.select_related("feedback__tenant").filter(
        # Not by the number itself, which may be larger than any the store can compare.
        feedback__in=Feedback.objects.filter(pk=number)
    )
    picture = found.defer("png").first()
    if picture is None or not _may_see(request, picture.feedback):
        raise Http404
    name = content_disposition_header(False, f"feedback-{number}.png")
    headers = {**HEADERS, "Content-Disposition": name or ""}
    return HttpResponse(bytes(picture.png), content_type="image/png", headers=headers)


def _may_see(request: HttpRequest, feedback: Feedback) -> bool:
    person: Any = request.user
    named = named_by_host(request)
    if named is not None and named != feedback.tenant.name:
        return False
    if may(person, VIEW_REDIRECTION, feedback.tenant):
        return True
    if person.is_staff and person.has_perm("redirection.view_feedback"):
        return True
    return reports_of(person).filter(pk=feedback.pk).exists()
