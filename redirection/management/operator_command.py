"""Commands for operators: bad input is one line and exit code 2."""

from __future__ import annotations

import getpass
import sys
from argparse import ArgumentParser
from typing import Any, NoReturn

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from redirection.models import ReasonKind, Tenant

BAD_INPUT = 2


class OperatorCommand(BaseCommand):
    """A change by whoever holds the shell, with a reason."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        # argparse prints its usage first, which hides the one line that matters.
        parser.error = _one_line  # type: ignore[method-assign]
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--reason", default="", help="why; it stands in the history")
        parser.add_argument(
            "--operator", default="", help="who; the name of the system account by default"
        )

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages), returncode=BAD_INPUT) from None
        except DatabaseError as error:
            line = " ".join(str(error).split())
            raise CommandError(f"The store cannot be used: {line}") from None


def tenant_named(name: str) -> Tenant:
    """The tenant with this name or tenant id. Raises CommandError."""
    tenant = Tenant.objects.filter(name=name).first()
    if tenant is None:
        try:
            tenant = Tenant.objects.filter(tid=name).first()
        except ValidationError:
            tenant = None
    if tenant is None:
        raise CommandError(f"No tenant is named {name!r}.", returncode=BAD_INPUT)
    return tenant


def operator_name(given: str) -> str:
    """The name for the history: as given, else of the system account."""
    return given or f"{getpass.getuser()} (shell)"


def _one_line(message: str) -> NoReturn:
    sys.stderr.write(f"CommandError: {message}\n")
    sys.exit(BAD_INPUT)


def add_reason_kind(parser: ArgumentParser) -> None:
    """For commands that switch: the coded kind of the reason, required as on the page."""
    parser.add_argument(
        "--kind",
        default="",
        dest="reason_kind",
        help=f"of the reason: {', '.join(ReasonKind.values)}",
    )
