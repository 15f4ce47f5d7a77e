"""``add_tenant NAME TID --title TITLE``"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from redirection.management.operator_command import OperatorCommand, operator_name
from redirection.models import Channel, Tenant


class Command(OperatorCommand):
    help = "For operators: provisions a tenant. Nobody signs in before that."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", help="first label of its legacy host")
        parser.add_argument("tid", metavar="TID", help="tenant id, a UUID")
        parser.add_argument("--title", default="", help="name of the organisation")
        parser.add_argument("--cloud", default="commercial", help="key of REDIRECTION_CLOUDS")
        super().add_arguments(parser)

    def handle(
        self, *args: Any, name: str, tid: str, title: str, cloud: str,
        reason: str, operator: str, **options: Any,
    ) -> None:  # fmt: skip
        tenant = Tenant(name=name, tid=tid, title=title or name, cloud=cloud)
        tenant.full_clean()
        change = tenant.provision(
            reason=reason, channel=Channel.COMMAND, operator=operator_name(operator)
        )
        self.stdout.write(f"Tenant {name} is there at revision {change.revision}.")
