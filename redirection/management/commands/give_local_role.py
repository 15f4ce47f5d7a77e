"""``give_local_role TENANT OBJECT_ID ROLE|none --reason TEXT``"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from redirection.management.operator_command import (
    BAD_INPUT,
    OperatorCommand,
    operator_name,
    tenant_named,
)
from redirection.models import Channel, LastWayIn, LocalRole
from redirection.role_forms import NO_ROLE
from redirection.role_names import local_role_name


class Command(OperatorCommand):
    help = (
        "For operators: gives somebody a local role of a tenant, or takes it away with none. "
        "This is how a tenant gets its first admin."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("tenant", metavar="TENANT", help="name or tenant id, such as contoso")
        parser.add_argument("object_id", metavar="OBJECT_ID", help="the person's, a UUID")
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
        self, *args: Any, tenant: str, object_id: str, role: str, name: str, home: str,
        last: bool, reason: str, operator: str, **options: Any,
    ) -> None:  # fmt: skip
        row = tenant_named(tenant)
        try:
            change = LocalRole.objects.invite(
                row,
                tenant_named(home) if home else row,
                _uuid(object_id),
                None if role == NO_ROLE else role,
                name,
                reason=reason,
                channel=Channel.COMMAND,
                operator=operator_name(operator),
                even_the_last=last,
            )
        except LastWayIn as error:
            line = f"{error.messages[0]} Add --last if that is meant."
            raise CommandError(line, returncode=BAD_INPUT) from None
        wanted = local_role_name("" if role == NO_ROLE else role)
        if change is None:
            self.stdout.write(f"{object_id} in {row.name} already had: {wanted}.")
        else:
            self.stdout.write(f"{change.person_name} in {row.name} now has: {wanted}.")


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        line = f"{text!r} is no object id, which is a UUID."
        raise CommandError(line, returncode=BAD_INPUT) from None
