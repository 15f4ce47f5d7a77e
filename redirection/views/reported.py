"""Settings > Cloud apps > System > What people report: a tenant's own reports."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Page
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from redirection.exports import FORMATS
from redirection.feedback.answers import answers_since
from redirection.feedback.exports import OWN_REPORTS
from redirection.feedback.loads import DAYS, feature_of, loads_of_tenant
from redirection.feedback.reported import ReportFilter, groups_of
from redirection.models import Feedback, Screenshot, Tenant, Trouble
from redirection.views.exported import exported, unknown_format, wrong_filter
from redirection.views.paged import nearest_page
from redirection.views.visited import tenant_to_see, tenants_shown

logger = logging.getLogger(__name__)

GROUPS_A_PAGE = 50
REPORTS_A_PAGE = 25


@never_cache
@require_safe
@login_required
def reported(request: HttpRequest) -> HttpResponse:
    """What people of a tenant report, by page and kind, beside the page loads there."""
    tenant = tenant_to_see(request, request.GET.get("tid"))
    filter_ = ReportFilter(request.GET, tenant.feedback.all())
    status = HTTPStatus.OK if filter_.is_valid() else HTTPStatus.BAD_REQUEST
    today = timezone.now().date()
    groups = groups_of(filter_.qs, tenant, filter_.order_asked, today)
    page, is_another = nearest_page(groups, GROUPS_A_PAGE, request.GET.get("page", "1"))
    loads = loads_of_tenant(tenant, {group["route"] for group in page}, today)
    rows = [
        {
            **group,
            "feature": feature_of(group["route"]),
            "loads": loads.get(group["route"]),
            "kind": Feedback.Kind(group["kind"]).label,
            "state": Trouble.State(group["state"]),
        }
        for group in page
    ]
    context = {
        **_shown(request, tenant, page, is_another, filter_.query),
        "filter": filter_,
        "rows": rows,
        "days": DAYS,
        "is_filtered": bool(filter_.query),
    }
    return render(request, "redirection/reported.html", context, status=status)


@never_cache
@require_safe
@login_required
def reported_trouble(request: HttpRequest, number: int) -> HttpResponse:
    """The single reports of one trouble that people of a tenant sent, and the answers to it."""
    tenant = tenant_to_see(request, request.GET.get("tid"))
    trouble = get_object_or_404(Trouble, pk=number)
    reports = tenant.feedback.filter(trouble=trouble).order_by("-created_at", "-pk")
    first = reports.order_by("created_at").first()
    if first is None:
        raise Http404
    has_screenshot = Exists(Screenshot.objects.filter(feedback=OuterRef("pk")))
    listed = reports.select_related("person").annotate(has_screenshot=has_screenshot)
    page, is_another = nearest_page(listed, REPORTS_A_PAGE, request.GET.get("page", "1"))
    context = {
        **_shown(request, tenant, page, is_another, ""),
        "trouble": trouble,
        "state": Trouble.State(trouble.state),
        "feature": feature_of(trouble.route),
        "loads": loads_of_tenant(tenant, [trouble.route], timezone.now().date()).get(trouble.route),
        "days": DAYS,
        "answers": answers_since(trouble, first.created_at),
    }
    return render(request, "redirection/reported_trouble.html", context)


@never_cache
@require_safe
@login_required
def export_reported(request: HttpRequest) -> HttpResponseBase:
    """The single reports behind what the same address shows on the page, as a file."""
    tenant = tenant_to_see(request, request.GET.get("tid"))
    format_ = request.GET.get("format", "")
    if format_ not in FORMATS:
        return unknown_format(request)
    filter_ = ReportFilter(request.GET, tenant.feedback.order_by("-created_at", "-pk"))
    if not filter_.is_valid():
        return wrong_filter(request, filter_)
    name = f"reports-{tenant.name}-{timezone.now():%Y-%m-%d}"
    response = exported(request, name, format_, OWN_REPORTS.lines(filter_.qs, format_))
    if request.method != "HEAD" and response.status_code == HTTPStatus.OK:
        logger.info(
            "Reports of %s exported as %s by %s", tenant.name, format_, request.user.get_username()
        )
    return response


def _shown(
    request: HttpRequest, tenant: Tenant, page: Page[Any], is_another: bool, query: str
) -> dict[str, Any]:
    shown = tenants_shown(request, tenant)
    of_tenant = f"tid={tenant.tid}" if shown["other_tenants"] else ""
    return {
        **shown,
        "page": page,
        "page_numbers": page.paginator.get_elided_page_range(page.number, on_each_side=2),
        "is_another_page": is_another,
        "tenant_query": of_tenant,
        "query": "&".join(filter(None, (of_tenant, query))),
    }
