"""``change_stage TENANT opt_in|opt_out|forced --kind KIND --reason TEXT``"""

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
    help = "For operators: moves the roll-out of one tenant to another stage."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("tenant", metavar="TENANT", help="name or tenant id, such as contoso")
        parser.add_argument("stage", metavar="opt_in|opt_out|forced", help="the stage wanted")
        add_reason_kind(parser)
        super().add_arguments(parser)

    def handle(
        self, *args: Any, tenant: str, stage: str, reason_kind: str, reason: str, operator: str,
        **options: Any,
    ) -> None:  # fmt: skip
        row = tenant_named(tenant)
        change = row.change_stage(
            stage,
            reason_kind=reason_kind,
            reason=reason,
            channel=Channel.COMMAND,
            operator=operator_name(operator),
        )
        if change is None:
            self.stdout.write(f"{row.name} already was at stage {stage}.")
        else:
            state = "on" if row.is_on else "off"
            self.stdout.write(
                f"{row.name} is at stage {stage}, revision {change.revision}; "
                f"automatic redirection is {state}."
            )
