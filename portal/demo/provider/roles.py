"""The directory roles at the stand-in, kept as groups: they can change while it runs."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from portal.demo.people import BY_UID
from redirection.roles import ORDINARY_MEMBER


def fill() -> None:
    """Give everybody their role, the first time only: what was taken away stays away."""
    if Group.objects.exists():
        return
    for user in get_user_model().objects.filter(username__in=BY_UID):
        change(user, has_role=True)


def of(user: Any) -> list[str]:
    """The ``wids`` of a token; every member carries the last one."""
    return [*user.groups.values_list("name", flat=True), ORDINARY_MEMBER]


def change(user: Any, *, has_role: bool) -> None:
    """Give somebody the directory role they begin with, or take it away."""
    role = BY_UID[user.username].directory_role
    if role is None:
        return
    group, _ = Group.objects.get_or_create(name=role)
    (user.groups.add if has_role else user.groups.remove)(group)
