"""``erase_tenant TENANT --reason TEXT [--dry-run]``"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.db import transaction

from redirection.erasure import erase_tenant
from redirection.management.operator_command import OperatorCommand, operator_name, tenant_named
from redirection.models import Channel
from redirection.models.reasons import checked_reason


class Command(OperatorCommand):
    help = (
        "For operators: erases what is known of one tenant and of people known nowhere else. Its "
        "history stays, without names. All or nothing, also if it is killed on the way."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("tenant", metavar="TENANT", help="name or tenant id, such as contoso")
        parser.add_argument("--dry-run", action="store_true", help="say what it would do")
        super().add_arguments(parser)

    def handle(
        self, *args: Any, tenant: str, dry_run: bool, reason: str, operator: str, **options: Any
    ) -> None:
        checked_reason(reason)
        with transaction.atomic():
            done = erase_tenant(
                tenant_named(tenant),
                reason=reason,
                operator=operator_name(operator),
                channel=Channel.COMMAND,
            )
            transaction.set_rollback(dry_run)
        for name, number in sorted(done.items()):
            self.stdout.write(f"{name}: {number:,}")
        self.stdout.write("Nothing was erased." if dry_run else "The organisation is erased.")
