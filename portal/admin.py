from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.utils.translation import gettext_lazy as _

from portal.models import Person


@admin.register(Person)
class PersonAdmin(UserAdmin):  # type: ignore[type-arg]
    """People; "active" off ends somebody's access at their next request."""

    list_display = ("username", "display_name", "is_active", "is_staff")
    search_fields = ("username", "display_name")
    fieldsets = (
        (None, {"fields": ("username", "password", "display_name")}),
        (_("Access"), {"fields": ("is_active", "is_staff", "is_superuser")}),
    )
