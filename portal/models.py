"""The people of the site: those of the tenants, and operators."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import get_backends
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Person(AbstractUser):
    """Somebody who signs in.

    A person of a tenant is known by ``tid:oid``, kept as the user name: both are immutable,
    while addresses and names are not (facts on sign-in). An operator has a name of their own
    choice and a password.
    """

    # Two UUIDs and a colon fit; nothing here is ever matched by e-mail.
    display_name = models.CharField(_("name"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")

    def __str__(self) -> str:
        return self.display_name or self.username

    @property
    def object_id(self) -> str:
        """The object id in the person's own directory; an operator's user name."""
        return self.username.rpartition(":")[2]

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Whether some backend grants ``perm``; on an object also for superusers.

        Running the site does not make an operator an administrator of a tenant.
        """
        if obj is None:
            return super().has_perm(perm)
        backends = [backend for backend in get_backends() if hasattr(backend, "has_perm")]
        return self.is_active and any(backend.has_perm(self, perm, obj) for backend in backends)


class ProviderSession(models.Model):
    """A session here and the one at Entra ID, ``sid``, that it came from.

    The row goes with the session; what is left of sessions that ran out goes when it is old.
    """

    sid = models.CharField(max_length=200)
    tid = models.UUIDField()
    session_key = models.CharField(max_length=40, unique=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="provider_sessions"
    )
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        indexes = [models.Index(fields=["sid", "tid"], name="provider_session_sid")]

    def __str__(self) -> str:
        return f"{self.person} / {self.created_at:%Y-%m-%d %H:%M}"
