"""``export_link_rules [FILE]``"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from redirection.link_rule_files import csv_lines
from redirection.management.operator_command import BAD_INPUT, OperatorCommand
from redirection.models import DeepLinkRule


class Command(OperatorCommand):
    help = "For operators: writes all deep link rules as CSV, as import_link_rules takes them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", metavar="FILE", nargs="?", default="", help="standard output by default"
        )

    def handle(self, *args: Any, file: str, **options: Any) -> None:
        lines = csv_lines(DeepLinkRule.objects.as_rules())
        if not file:
            for line in lines:
                self.stdout.write(line, ending="")
            return
        try:
            with Path(file).open("w", encoding="utf-8", newline="") as written:
                written.writelines(lines)
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}", returncode=BAD_INPUT) from None
