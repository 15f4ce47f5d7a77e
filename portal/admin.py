from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from portal.models import Person


@admin.register(Person)
class PersonAdmin(UserAdmin):  # type: ignore[type-arg]
    """People; "active" off ends somebody's access at their next request.

    Whoever may change people is not for that reason a superuser, and makes none: operators are
    made, changed and given passwords by superusers alone.
    """

    list_display = ("username", "display_name", "is_active", "is_staff")
    search_fields = ("username", "display_name")

    def get_readonly_fields(
        self, request: HttpRequest, obj: models.Model | None = None
    ) -> tuple[str, ...]:
        # Who somebody is never changes, and "tid:oid" is not what the form takes for a name.
        fixed = ("username",) if obj else ()
        return fixed if request.user.is_superuser else (*fixed, "is_staff", "is_superuser")

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return _may_touch(request, obj) and bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return _may_touch(request, obj) and bool(super().has_delete_permission(request, obj))

    fieldsets = (
        (None, {"fields": ("username", "password", "display_name")}),
        (_("Access"), {"fields": ("is_active", "is_staff", "is_superuser")}),
    )


def _may_touch(request: HttpRequest, obj: models.Model | None) -> bool:
    is_operator = isinstance(obj, Person) and (obj.is_staff or obj.is_superuser)
    return bool(request.user.is_superuser) or not is_operator
