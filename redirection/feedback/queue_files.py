"""The operators' queue as files: troubles, and the reports behind them."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _

from redirection.exports import FORMATS, Table
from redirection.feedback.exports import ALL_REPORTS, TROUBLES
from redirection.feedback.queue import TENANT, VIEW_REPORTS
from redirection.models import Feedback
from redirection.views.exported import exported, no_file, unknown_format

logger = logging.getLogger(__name__)


class TroubleFiles:
    """The part of the admin of troubles that hands out files."""

    admin_site: Any
    get_changelist_instance: Any
    get_object: Any
    has_view_permission: Any

    def file_urls(self) -> list[URLPattern]:
        def at(route: str, view: Any, name: str) -> URLPattern:
            name = f"redirection_trouble_{name}"
            pattern: URLPattern = path(route, self.admin_site.admin_view(view), name=name)
            return pattern

        return [
            at("export/<slug:what>/<slug:format_>/", self.export, "export"),
            at("<int:number>/export/<slug:format_>/", self.export_one, "export_one"),
        ]

    def export(self, request: HttpRequest, what: str, format_: str) -> HttpResponseBase:
        """The queue as it is filtered, or the reports of the troubles in it."""
        tables = {"queue": TROUBLES, "reports": ALL_REPORTS}
        if what not in tables:
            raise Http404
        if not self.has_view_permission(request):
            raise PermissionDenied
        if what == "reports" and not request.user.has_perm(VIEW_REPORTS):
            raise PermissionDenied
        try:
            objects = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            return no_file(
                request,
                _("The filter has a wrong value."),
                _("Go back, and choose the filter anew."),
            )
        if what == "reports":
            troubles = objects.order_by().values("pk")
            objects = Feedback.objects.order_by("-created_at", "-pk")
            if request.GET:
                objects = objects.filter(trouble__in=troubles)
            if tenant := request.GET.get(TENANT, "").strip().lower():
                objects = objects.filter(tenant__name=tenant)
        return self._file(request, tables[what], objects, what, format_)

    def export_one(self, request: HttpRequest, number: int, format_: str) -> HttpResponseBase:
        """The reports of one trouble."""
        if not (self.has_view_permission(request) and request.user.has_perm(VIEW_REPORTS)):
            raise PermissionDenied
        if self.get_object(request, str(number)) is None:
            raise Http404
        reports = Feedback.objects.filter(trouble=number).order_by("-created_at", "-pk")
        return self._file(request, ALL_REPORTS, reports, f"reports-{number}", format_)

    def _file(
        self, request: HttpRequest, table: Table, objects: QuerySet[Any], name: str, format_: str
    ) -> HttpResponseBase:
        if request.method not in ("GET", "HEAD"):
            return HttpResponse(
                status=HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "GET, HEAD"}
            )
        if format_ not in FORMATS:
            return unknown_format(request)
        lines = table.lines(objects, format_)
        response = exported(request, f"{name}-{timezone.now():%Y-%m-%d}", format_, lines)
        if request.method == "GET" and response.status_code == HTTPStatus.OK:
            by = request.user.get_username()
            logger.info("Feedback of all tenants: %s exported as %s by %s", name, format_, by)
        return response
