"""My feedback: what somebody has sent, what became of it, and no mail about it any more."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from redirection.feedback.own import note_as_read, reports_of, with_replies
from redirection.views.visited import base_of, named_by_host

REPORTS_A_PAGE = 20
# Digits of the largest number that every store can look for.
_LONGEST_NUMBER = 18


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def my_feedback(request: HttpRequest) -> HttpResponse:
    """The person's own reports, newest first, with state and answers. What is shown is read.

    A POST takes back the agreement to be contacted about the report whose number is ``withdraw``.
    """
    if request.method == "POST":
        return _withdrawn(request)
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


def _withdrawn(request: HttpRequest) -> HttpResponse:
    number = request.POST.get("withdraw", "")
    if not (number.isascii() and number.isdigit() and len(number) <= _LONGEST_NUMBER):
        raise Http404
    # Mail that waits looks at this again before it is sent.
    report = reports_of(request.user, named_by_host(request)).filter(pk=number).order_by()
    if not report.update(may_contact=False):
        raise Http404
    messages.success(request, _("You will not be contacted about this feedback any more."))
    return HttpResponseRedirect(reverse("redirection:my_feedback"))
