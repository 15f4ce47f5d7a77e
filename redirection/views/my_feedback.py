"""My feedback: what somebody has sent, and what became of it."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from redirection.feedback.own import note_as_read, reports_of, with_replies
from redirection.views.feedback import base_of, named_by_host

REPORTS_A_PAGE = 20


@never_cache
@require_safe
@login_required
def my_feedback(request: HttpRequest) -> HttpResponse:
    """The person's own reports, newest first, with state and answers. What is shown is read."""
    rows = reports_of(request.user, named_by_host(request))
    page = Paginator(rows, REPORTS_A_PAGE).get_page(request.GET.get("page"))
    reports = with_replies(page.object_list)
    if request.method == "GET":
        note_as_read(reports)
    context = {
        "page": page,
        "reports": reports,
        "names_tenants": len({report.feedback.tenant_id for report in reports}) > 1,
        "base_template": base_of(request),
    }
    return render(request, "redirection/my_feedback.html", context)
