"""Local roles and the one way they change."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from redirection.conf import conf
from redirection.models.history import NAME_LENGTH, Provenance
from redirection.models.local_role_changes import LocalRoleChange
from redirection.models.people import RoleSnapshot
from redirection.models.reasons import checked_reason, one_line
from redirection.models.tenants import Tenant
from redirection.role_names import LOCAL_ROLE_CHOICES
from redirection.roles import Access, LocalRoleName, access


class LocalRoleChangedMeanwhile(Exception):
    """The person's local role is no longer the one that was seen, but ``role`` ("" for none)."""

    def __init__(self, role: str, change: LocalRoleChange | None) -> None:
        super().__init__(f"changed meanwhile to {role or 'none'}")
        self.role = role
        self.change = change


class LastWayIn(ValidationError):
    """Nobody else of the tenant is known to have full access, and nobody said that is meant."""

    def __init__(self, person: Any, tenant: Tenant) -> None:
        message = _(
            "Nobody else in %(tenant)s is known to have full access: afterwards nobody there could "
            "switch redirection or give a role."
        )
        super().__init__(message, code="last_way_in", params={"tenant": tenant})


class LocalRoleManager(models.Manager["LocalRole"]):
    def give_local_role(
        self,
        tenant: Tenant,
        person: Any,
        role: str | None,
        *,
        reason: str,
        channel: str,
        author: Any = None,
        operator: str = "",
        seen_role: str | None = None,
        even_the_last: bool = False,
    ) -> LocalRoleChange | None:
        """Make ``role`` the person's local role in the tenant, or take it away with None.

        The change is by ``author``, a person who may switch redirection there, or by
        ``operator``, the name of whoever holds the shell. ``seen_role`` is the role that was
        shown when this was decided, "" for none. Returns the change, or None if the person
        already had that role. Raises PermissionDenied, RolesTooOld, ValidationError for an
        unknown role or a missing reason, LocalRoleChangedMeanwhile, and LastWayIn unless
        ``even_the_last``.
        """
        if role is not None and role not in list(LocalRoleName):
            known = ", ".join(LocalRoleName)
            message = _("Choose a role (%(known)s) or none.") % {"known": known}
            raise ValidationError({"role": message}, code="role")
        with transaction.atomic():
            tenant = self._locked(tenant, author, operator)
            held = self.filter(tenant=tenant, person=person).first()
            before, after = held.role if held else "", role or ""
            if before == after:
                return None
            if seen_role is not None and seen_role != before:
                changes = LocalRoleChange.objects.filter(tenant=tenant, person=person)
                raise LocalRoleChangedMeanwhile(before, changes.first())
            by = Provenance(checked_reason(reason), channel, author, operator)
            if not even_the_last and self.is_last_way_in(tenant, person, role):
                raise LastWayIn(person, tenant)
            if role is None:
                self.filter(tenant=tenant, person=person).delete()
            else:
                self.update_or_create(tenant=tenant, person=person, defaults={"role": role})
            return LocalRoleChange.objects.record(tenant, person, before, after, by)

    def invite(
        self, tenant: Tenant, home: Tenant, object_id: UUID, role: str | None, name: str, **how: Any
    ) -> LocalRoleChange | None:
        """``give_local_role`` to somebody of the ``home`` tenant's directory.

        Whoever never signed in is added, through REDIRECTION_INVITE, only if the role is given.
        """
        with transaction.atomic():
            person = conf().invite(home, object_id, one_line(name)[:NAME_LENGTH])
            change = self.give_local_role(tenant, person, role, **how)
            if change is None:
                # An invitation that changes nothing leaves nobody behind.
                transaction.set_rollback(True)
            return change

    def known_by(self, home: Tenant, object_id: UUID) -> Any:
        """The person with this object id in the directory of ``home``; None if unknown."""
        with transaction.atomic():
            person = conf().invite(home, object_id, "")
            # Only the site knows how people are named; whoever it just added is gone again.
            transaction.set_rollback(True)
        return type(person).objects.filter(pk=person.pk).first()

    def is_last_way_in(self, tenant: Tenant, person: Any, role: str | None) -> bool:
        """Whether the tenant's last known full access ends when the person's role becomes this.

        Others count who are active, have signed in, and have it by a local or directory role.
        Where there is no directory (REDIRECTION_ROLES_MAX_AGE is None), no sign-in is known of.
        """
        snapshots = RoleSnapshot.objects.filter(tenant=tenant)
        own = snapshots.filter(person=person).first()
        directory = own.directory_roles if own else []
        held = self.filter(tenant=tenant, person=person).first()
        if (
            not person.is_active
            or access(directory, held.role if held else None) is not Access.SWITCH
            or access(directory, role) is Access.SWITCH
        ):
            return False
        by_local_role = self.filter(
            tenant=tenant,
            role=LocalRoleName.GLOBAL_ADMINISTRATOR,
            person__is_active=True,
        ).exclude(person=person)
        if conf().roles_max_age is not None:
            # A mistyped object id is nobody's way in.
            by_local_role = by_local_role.filter(person__role_snapshots__isnull=False)
        if by_local_role.exists():
            return False
        others = snapshots.filter(person__is_active=True).exclude(person=person)
        return all(
            access(roles, None) is not Access.SWITCH
            for roles in others.values_list("directory_roles", flat=True).iterator()
        )

    def _locked(self, tenant: Tenant, author: Any, operator: str) -> Tenant:
        """The tenant, read afresh and locked until the transaction ends: one change at a time."""
        from redirection.permissions import require_may_change

        tenant = Tenant.objects.select_for_update().get(pk=tenant.pk)
        require_may_change(tenant, author, operator)
        return tenant


class LocalRole(models.Model):
    """A role of the product given to a person in one tenant."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="local_roles",
        verbose_name=_("person"),
    )
    tenant = models.ForeignKey(
        "redirection.Tenant",
        models.CASCADE,
        related_name="local_roles",
        verbose_name=_("tenant"),
    )
    role = models.CharField(_("role"), max_length=40, choices=LOCAL_ROLE_CHOICES)

    objects = LocalRoleManager()

    class Meta:
        verbose_name = _("local role")
        verbose_name_plural = _("local roles")
        constraints = [
            models.UniqueConstraint(fields=["person", "tenant"], name="one_local_role_a_tenant")
        ]

    def __str__(self) -> str:
        return f"{self.person} / {self.tenant}: {self.get_role_display()}"
