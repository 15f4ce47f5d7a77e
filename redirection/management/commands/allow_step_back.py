"""``allow_step_back TENANT on|off [--minutes N] --kind KIND --reason TEXT``"""

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
from redirection.step_backs import LONGEST, SHORTEST


class Command(OperatorCommand):
    help = (
        "For operators without a browser: allows people of one tenant to open the old page for "
        "one task while redirection is on, or forbids it, with the same history row as the page."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("tenant", metavar="TENANT", help="name or tenant id, such as contoso")
        parser.add_argument("wanted", metavar="on|off", help="the state wanted")
        parser.add_argument(
            "--minutes",
            type=int,
            help=f"how long one lasts, {SHORTEST} to {LONGEST}; as it was by default",
        )
        add_reason_kind(parser)
        super().add_arguments(parser)

    def handle(
        self, *args: Any, tenant: str, wanted: str, minutes: int | None, reason_kind: str,
        reason: str, operator: str, **options: Any,
    ) -> None:  # fmt: skip
        row = tenant_named(tenant)
        change = row.switch_step_back(
            wanted,
            minutes,
            reason_kind=reason_kind,
            reason=reason,
            channel=Channel.COMMAND,
            operator=operator_name(operator),
        )
        state = f"on, {row.step_back_minutes} minutes," if row.allow_step_back else "off"
        if change is None:
            self.stdout.write(f"Stepping back in {row.name} already was {state.rstrip(',')}.")
        else:
            self.stdout.write(
                f"Stepping back in {row.name} is {state} at revision {change.revision}."
            )
