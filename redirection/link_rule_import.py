"""Operators' pages that take rules from a file and write them to one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from redirection.link_rule_changes import (
    Plan,
    RulesMoved,
    change_rules,
    planned,
)
from redirection.link_rule_files import csv_lines, decoded, read_rules
from redirection.link_rule_forms import ImportForm, laid_out
from redirection.models import Channel, DeepLinkRule, DeepLinkRuleUpload
from redirection.models.history import Provenance
from redirection.rule_problem_texts import sentences

SHOWN = 100
# A file that was checked and not applied is kept so long.
KEPT = dt.timedelta(days=1)


class LinkRuleImport:
    """The part of the pages for rules that deals with files.

    A file is checked first and kept; what is applied later is that text and nothing else.
    """

    admin_site: Any
    opts: Any
    has_add_permission: Any
    has_change_permission: Any
    has_delete_permission: Any
    has_view_permission: Any

    def import_urls(self) -> list[URLPattern]:
        pages = (
            ("import/", self.import_rules, "import"),
            ("import/<int:number>/", self.checked_import, "checked_import"),
            ("import/<int:number>/problems", self.import_problems, "import_problems"),
            ("export/", self.export_rules, "export"),
        )
        return [
            path(
                address,
                self.admin_site.admin_view(view),
                name=f"redirection_deeplinkrule_{name}",
            )
            for address, view, name in pages
        ]

    def may_import(self, request: HttpRequest) -> bool:
        """Whoever imports may add, change and, where all rules are replaced, delete them."""
        return bool(
            self.has_add_permission(request)
            and self.has_change_permission(request)
            and self.has_delete_permission(request)
        )

    def import_rules(self, request: HttpRequest) -> HttpResponse:
        """The form; a file that is posted is kept, and checked on a page of its own."""
        self._require_may_import(request)
        form = ImportForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            file = form.cleaned_data["file"]
            text, found = decoded(file.read())
            if found:
                for line in sentences(found):
                    form.add_error("file", line)
            elif "\x00" in text:
                form.add_error("file", _("The file has NUL characters: it is not text."))
            else:
                DeepLinkRuleUpload.objects.filter(uploaded_at__lt=timezone.now() - KEPT).delete()
                upload = DeepLinkRuleUpload.objects.create(
                    author_id=request.user.pk or 0,
                    name=file.name[:200],
                    text=text,
                    replace=form.cleaned_data["mode"] == "replace",
                    reason=form.cleaned_data["reason"],
                )
                return HttpResponseRedirect(_address_of(upload))
        status = HTTPStatus.BAD_REQUEST if form.errors else HTTPStatus.OK
        shown = {"form": form, "adminform": laid_out(form)}
        return self._page(request, "link_rules_import.html", status, **shown)

    def checked_import(self, request: HttpRequest, number: int) -> HttpResponse:
        """What a file would do, and what is wrong with it; posted, it is applied."""
        upload = self._upload(request, number)

        def plan() -> Plan:
            return _planned(upload)

        def too_late() -> Plan:
            raise RulesMoved

        checked = plan()
        # What is applied is what was shown: counted on the same rules.
        moved = request.method == "POST" and request.POST.get("seen") != str(checked.revision)
        if not moved and request.method == "POST" and not checked.problems:
            by = Provenance(
                upload.reason,
                Channel.ADMIN,
                author=request.user,
                operator=request.user.get_username(),
            )
            try:
                change = change_rules(checked, too_late, by=by)
            except RulesMoved:
                checked, moved = plan(), True
            else:
                upload.delete()
                self._say(request, change)
                return HttpResponseRedirect(reverse("admin:redirection_deeplinkrule_changelist"))
        status = HTTPStatus.CONFLICT if request.method == "POST" else HTTPStatus.OK
        return self._page(
            request,
            "link_rules_checked.html",
            status,
            upload=upload,
            plan=checked,
            lines=sentences(checked.problems[:SHOWN]),
            count=len(checked.problems),
            shown=SHOWN,
            moved=moved,
            removed=checked.removed[:SHOWN],
            changed=[(checked.before[rule.number], rule) for rule in checked.changed[:SHOWN]],
        )

    def import_problems(self, request: HttpRequest, number: int) -> StreamingHttpResponse:
        """The whole list of what is wrong with a file, a line each."""
        upload = self._upload(request, number)
        lines = (f"{line}\n" for line in sentences(_planned(upload).problems))
        return _download(lines, "text/plain; charset=utf-8", "problems.txt")

    def export_rules(self, request: HttpRequest) -> StreamingHttpResponse:
        """All rules as CSV, as the import takes them."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        lines = csv_lines(DeepLinkRule.objects.as_rules())
        return _download(lines, "text/csv; charset=utf-8; header=present", "link-rules.csv")

    def _require_may_import(self, request: HttpRequest) -> None:
        if not self.may_import(request):
            raise PermissionDenied

    def _upload(self, request: HttpRequest, number: int) -> DeepLinkRuleUpload:
        """The file a person has uploaded; nobody applies somebody else's."""
        self._require_may_import(request)
        return get_object_or_404(DeepLinkRuleUpload, pk=number, author_id=request.user.pk)

    def _say(self, request: HttpRequest, change: Any) -> None:
        if change is None:
            messages.info(request, _("All rules already are as in the file."))
            return
        text = _(
            "Imported: %(added)d added, %(changed)d changed, %(removed)d removed, "
            "revision %(revision)d."
        )
        values = {
            "added": change.added,
            "changed": change.changed,
            "removed": change.removed,
            "revision": change.revision,
        }
        messages.success(request, text % values)

    def _page(
        self, request: HttpRequest, template: str, status: int, **context: Any
    ) -> TemplateResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Import deep link rules"),
            **context,
        }
        return TemplateResponse(request, f"admin/redirection/{template}", context, status=status)


def _planned(upload: DeepLinkRuleUpload) -> Plan:
    rules, found = read_rules(upload.text)
    return planned(rules, replace_all=upload.replace, own=found)


def _address_of(upload: DeepLinkRuleUpload) -> str:
    return reverse("admin:redirection_deeplinkrule_checked_import", args=[upload.pk])


def _download(lines: Iterator[str], media_type: str, name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(lines, content_type=media_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response
