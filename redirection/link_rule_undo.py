"""The file that takes back a change of deep link rules, on the page of the changes."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _, gettext_lazy

from redirection.models import DeepLinkRuleChange

_NAME = "redirection_deeplinkrulechange_undo"


class UndoFiles:
    """The part of the page of the changes that offers a file for each."""

    admin_site: Any
    has_view_permission: Any

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        # Files may be large, and a list needs none of them.
        has_file = models.Case(
            models.When(undo="", then=False), default=True, output_field=models.BooleanField()
        )
        plain = super().get_queryset(request)  # type: ignore[misc]
        rows: models.QuerySet[Any] = plain.defer("undo").annotate(can_be_undone=has_file)
        return rows

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.undo_file)
        others: list[URLPattern] = super().get_urls()  # type: ignore[misc]
        return [path("<int:revision>/undo", view, name=_NAME), *others]

    @admin.display(description=gettext_lazy("undo"))
    def undo_link(self, change: Any) -> str:
        if not change.can_be_undone:
            return ""
        address = reverse(f"admin:{_NAME}", args=[change.revision])
        return format_html('<a href="{}">{}</a>', address, _("Undo file"))

    def undo_file(self, request: HttpRequest, revision: int) -> HttpResponse:
        """The file of a change, to be looked at and imported."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        change = get_object_or_404(DeepLinkRuleChange.objects.exclude(undo=""), revision=revision)
        response = HttpResponse(change.undo, "text/csv; charset=utf-8; header=present")
        response["Content-Disposition"] = f'attachment; filename="undo-{revision}.csv"'
        response["Cache-Control"] = "no-store"
        return response
