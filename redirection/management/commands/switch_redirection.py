"""``switch_redirection TENANT on|off --kind KIND --reason TEXT``"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from redirection.management.operator_command import (
    OperatorCommand,
    add_reason_kind,
    operator_name,
    tenant_named,
)
from redirection.models import Channel


class Command(OperatorCommand):
    help = (
        "For operators without a browser: does for one tenant what the toggle on the settings "
        "page does, with the same history row."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("tenant", metavar="TENANT", help="name or tenant id, such as contoso")
        parser.add_argument("wanted", metavar="on|off", help="the state wanted")
        add_reason_kind(parser)
        super().add_arguments(parser)

    def handle(
        self, *args: Any, tenant: str, wanted: str, reason_kind: str, reason: str, operator: str,
        **options: Any,
    ) -> None:  # fmt: skip
        row = tenant_named(tenant)
        change = row.switch_redirection(
            wanted,
            reason_kind=reason_kind,
            reason=reason,
            channel=Channel.COMMAND,
            operator=operator_name(operator),
        )
        if change is None:
            self.stdout.write(f"Automatic redirection of {row.name} already was {wanted}.")
        else:
            self.stdout.write(
                f"Automatic redirection of {row.name} is {wanted} at revision {change.revision}."
            )
