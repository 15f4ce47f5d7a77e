"""The receipt of a report, for its sender."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from redirection.feedback.own import note_as_read, reports_of, with_replies
from redirection.feedback.words import page_asked
from redirection.models import Feedback
from redirection.views.visited import base_of, named_by_host, on_legacy


@never_cache
@require_safe
@login_required
def feedback_sent(request: HttpRequest, number: int) -> HttpResponse:
    """The receipt, for the sender only, with what became of it."""
    reports = reports_of(request.user, named_by_host(request))
    feedback = get_object_or_404(reports, pk=number)
    (report,) = with_replies([feedback])
    if request.method == "GET":
        note_as_read([report])
    earlier = reports.filter(trouble=feedback.trouble, created_at__lt=feedback.created_at)
    portal = Feedback.Portal.LEGACY if on_legacy(request) else Feedback.Portal.DESTINATION
    context = {
        "report": report,
        "earlier": earlier.first(),
        "back_url": page_asked(feedback.page) if feedback.portal == portal else "/",
        "base_template": base_of(request),
    }
    return render(request, "redirection/feedback_sent.html", context)
