from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from portal.models import Person


@admin.register(Person)
class PersonAdmin(UserAdmin):  # type: ignore[type-arg]
    """People; "active" off ends somebody's access at their next request."""

    list_display = ("username", "display_name", "is_active", "is_staff")
    search_fields = ("username", "display_name")

    def get_readonly_fields(
        self, request: HttpRequest, obj: models.Model | None = None
    ) -> tuple[str, ...]:
        # Who somebody is never changes, and "tid:oid" is not what the form takes for a name.
        return ("username",) if obj else ()

    fieldsets = (
        (None, {"fields": ("username", "password", "display_name")}),
        (_("Access"), {"fields": ("is_active", "is_staff", "is_superuser")}),
    )
