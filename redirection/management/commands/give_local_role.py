"""``give_local_role TENANT PERSON ROLE|none --reason TEXT``"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError

from redirection.conf import conf
from redirection.management.operator_command import (
    BAD_INPUT,
    OperatorCommand,
    operator_name,
    tenant_named,
)
from redirection.models import Channel, LastWayIn, LocalRole, LocalRoleChange, Tenant
from redirection.role_forms import NO_ROLE
from redirection.role_names import local_role_name


class Command(OperatorCommand):
    help = (
        "For operators: gives somebody a local role of a tenant, or takes it away with none. "
        "This is how a tenant gets its first admin."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("tenant", metavar="TENANT", help="name or tenant id, such as contoso")
        parser.add_argument(
            "person", metavar="PERSON", help="object id, or user name where nobody can be invited"
        )
        parser.add_argument("role", metavar="ROLE|none", help="such as global_administrator")
        parser.add_argument("--name", default="", help="shown until the person signs in")
        parser.add_argument(
            "--home", default="", metavar="TENANT", help="the tenant of a guest's own directory"
        )
        parser.add_argument(
            "--last", action="store_true", help="even if nobody else has full access"
        )
        super().add_arguments(parser)

    def handle(
        self, *args: Any, tenant: str, person: str, role: str, name: str, home: str,
        last: bool, reason: str, operator: str, **options: Any,
    ) -> None:  # fmt: skip
        row = tenant_named(tenant)
        how = {
            "reason": reason,
            "channel": Channel.COMMAND,
            "operator": operator_name(operator),
            "even_the_last": last,
        }
        given = None if role == NO_ROLE else role
        try:
            change = _give(row, tenant_named(home) if home else row, person, given, name, how)
        except LastWayIn as error:
            line = f"{error.messages[0]} Add --last if that is meant."
            raise CommandError(line, returncode=BAD_INPUT) from None
        wanted = local_role_name("" if role == NO_ROLE else role)
        if change is None:
            self.stdout.write(f"{person} in {row.name} already had: {wanted}.")
        else:
            self.stdout.write(f"{change.person_name} in {row.name} now has: {wanted}.")


def _give(
    tenant: Tenant, home: Tenant, person: str, role: str | None, name: str, how: dict[str, Any]
) -> LocalRoleChange | None:
    """The change, or None if there was nothing to change; ``person`` is whom the shell named."""
    if conf().invite_path:
        return LocalRole.objects.invite(tenant, home, _uuid(person), role, name, **how)
    user = get_user_model()
    # Not get_by_natural_key(), which a manager of the site's own need not have.
    found = user.objects.filter(**{user.USERNAME_FIELD: person}).first()
    if found is None:
        raise CommandError(f"No user is named {person!r}.", returncode=BAD_INPUT)
    return LocalRole.objects.give_local_role(tenant, found, role, **how)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        line = f"{text!r} is no object id, which is a UUID."
        raise CommandError(line, returncode=BAD_INPUT) from None
