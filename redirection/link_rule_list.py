"""What the operators' list of deep link rules shows of each, and its filter by cloud."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext as _, gettext_lazy

from redirection.conf import conf
from redirection.link_rules import Kind
from redirection.models import DeepLinkRule
from redirection.routes import Counterpart

# In the list a word has to do.
_KINDS: dict[str, Any] = {
    Kind.EXACT: gettext_lazy("Exact"),
    Kind.PREFIX: gettext_lazy("Prefix"),
    Kind.PATTERN: gettext_lazy("Pattern"),
}
_COUNTERPARTS: dict[str, Any] = {
    Counterpart.EXACT: gettext_lazy("Exact"),
    Counterpart.NEAREST: gettext_lazy("Nearest"),
    Counterpart.NONE: gettext_lazy("None"),
}


class CloudFilter(admin.SimpleListFilter):
    """By cloud; the empty one has a name of its own."""

    title = gettext_lazy("cloud")
    parameter_name = "in"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("all", _("All clouds")), *((key, key) for key in conf().clouds)]

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Any]
    ) -> models.QuerySet[Any]:
        if self.value() is None:
            return queryset
        return queryset.filter(cloud="" if self.value() == "all" else self.value())


class LinkRuleColumns:
    """The columns: short, so that the day of last use is seen without scrolling."""

    @admin.display(description=gettext_lazy("number"), ordering="pk")
    def number(self, rule: DeepLinkRule) -> int:
        return rule.pk

    @admin.display(description=gettext_lazy("old address"), ordering="source")
    def old_address(self, rule: DeepLinkRule) -> str:
        return format_html("<bdi>{}</bdi>", rule.source)

    @admin.display(description=gettext_lazy("new address"), ordering="target")
    def new_address(self, rule: DeepLinkRule) -> str:
        return format_html("<bdi>{}</bdi>", rule.target)

    @admin.display(description=gettext_lazy("kind"), ordering="kind")
    def kind_word(self, rule: DeepLinkRule) -> Any:
        return _KINDS.get(rule.kind, rule.kind)

    @admin.display(description=gettext_lazy("counterpart"), ordering="counterpart")
    def counterpart_word(self, rule: DeepLinkRule) -> Any:
        return _COUNTERPARTS.get(rule.counterpart, rule.counterpart)

    @admin.display(description=gettext_lazy("cloud"), ordering="cloud")
    def cloud_or_all(self, rule: DeepLinkRule) -> str:
        return rule.cloud or _("All clouds")

    @admin.display(description=gettext_lazy("last used"), ordering="use__last_used_on")
    def last_used(self, rule: DeepLinkRule) -> Any:
        return rule.use.last_used_on if hasattr(rule, "use") else _("never")
