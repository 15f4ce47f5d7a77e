"""Settings > Cloud apps > System > History: every change of a tenant, to read and to take along."""

from __future__ import annotations

import logging
from http import HTTPStatus

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from redirection.exports import FORMATS
from redirection.history_export import HISTORY
from redirection.history_filter import HistoryFilter
from redirection.views.exported import exported, unknown_format, wrong_filter
from redirection.views.paged import nearest_page
from redirection.views.visited import tenant_to_see, tenants_shown

logger = logging.getLogger(__name__)

CHANGES_A_PAGE = 50


@never_cache
@require_safe
@login_required
def history_page(request: HttpRequest) -> HttpResponse:
    """The changes of a tenant, newest first, filtered and in pages."""
    tenant = tenant_to_see(request, request.GET.get("tid"))
    filter_ = HistoryFilter(request.GET, tenant.changes.all())
    status = HTTPStatus.OK if filter_.is_valid() else HTTPStatus.BAD_REQUEST
    page, is_another = nearest_page(filter_.qs, CHANGES_A_PAGE, request.GET.get("page", "1"))
    shown = tenants_shown(request, tenant)
    of_tenant = f"tid={tenant.tid}" if shown["other_tenants"] else ""
    context = {
        **shown,
        "filter": filter_,
        "page": page,
        "page_numbers": page.paginator.get_elided_page_range(page.number, on_each_side=2),
        "is_another_page": is_another,
        "tenant_query": of_tenant,
        "query": "&".join(filter(None, (of_tenant, filter_.query))),
        "is_filtered": bool(filter_.query),
    }
    return render(request, "redirection/history.html", context, status=status)


@never_cache
@require_safe
@login_required
def export_history(request: HttpRequest) -> HttpResponseBase:
    """The changes that the same address shows on the page, as a file."""
    tenant = tenant_to_see(request, request.GET.get("tid"))
    format_ = request.GET.get("format", "")
    if format_ not in FORMATS:
        return unknown_format(request)
    filter_ = HistoryFilter(request.GET, tenant.changes.all())
    if not filter_.is_valid():
        return wrong_filter(request, filter_)
    name = f"redirection-history-{tenant.name}-{timezone.now():%Y-%m-%d}"
    response = exported(request, name, format_, HISTORY.lines(filter_.qs, format_))
    if request.method != "HEAD" and response.status_code == HTTPStatus.OK:
        logger.info(
            "History of %s exported as %s by %s", tenant.name, format_, request.user.get_username()
        )
    return response
