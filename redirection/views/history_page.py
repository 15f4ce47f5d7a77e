"""Settings > Cloud apps > System > History: every change of a tenant, to read and to take along."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Page, Paginator
from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from redirection.exports import FORMATS, TooManyFiles, file_of
from redirection.history_filter import HistoryFilter
from redirection.models import Change, Tenant
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
    page, is_another = _nearest_page(filter_, request.GET.get("page", "1"))
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
        known = ", ".join(FORMATS)
        return _refused(
            request,
            _("There is no such file format."),
            _("Choose one of these: %(known)s.") % {"known": known},
        )
    filter_ = HistoryFilter(request.GET, tenant.changes.all())
    if not filter_.is_valid():
        wrong = ", ".join(str(filter_.form.fields[name].label) for name in filter_.form.errors)
        return _refused(
            request,
            _("The filter has a wrong value."),
            _("Go back and correct it: %(wrong)s.") % {"wrong": wrong},
        )
    try:
        return _file(request, tenant, format_, filter_)
    except TooManyFiles:
        response = _refused(
            request,
            _("The export has to wait."),
            _("Other exports are still being downloaded. Try again in ten seconds."),
            HTTPStatus.SERVICE_UNAVAILABLE,
        )
        response["Retry-After"] = "10"
        return response


def _file(
    request: HttpRequest, tenant: Tenant, format_: str, filter_: Any
) -> StreamingHttpResponse:
    media_type, lines = FORMATS[format_]
    name = f"redirection-history-{tenant.name}-{timezone.now():%Y-%m-%d}.{format_}"
    headers = {
        "Content-Disposition": content_disposition_header(True, name),
        "X-Content-Type-Options": "nosniff",
    }
    if request.method == "HEAD":
        return StreamingHttpResponse((), content_type=media_type, headers=headers)
    file = file_of(lines(filter_.qs))
    logger.info(
        "History of %s exported as %s by %s", tenant.name, format_, request.user.get_username()
    )
    return FileResponse(file, content_type=media_type, headers=headers)


def _nearest_page(filter_: Any, asked: str) -> tuple[Page[Change], bool]:
    """The page asked for, else the nearest one, and whether that is another."""
    paginator: Paginator[Change] = Paginator(filter_.qs, CHANGES_A_PAGE)
    try:
        number = int(asked)
    except ValueError:
        return paginator.page(1), True
    nearest = min(max(number, 1), paginator.num_pages)
    return paginator.page(nearest), nearest != number


def _refused(
    request: HttpRequest, title: str, next_step: str, status: int = HTTPStatus.BAD_REQUEST
) -> HttpResponse:
    context = {"title": title, "next_step": next_step}
    return render(request, "redirection/refused.html", context, status=status)
