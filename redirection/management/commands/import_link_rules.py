"""``import_link_rules FILE [--dry-run] [--replace] --reason TEXT``"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from redirection.link_rule_changes import Plan, RulesRefused, change_rules, planned
from redirection.link_rule_files import decoded, read_rules
from redirection.management.operator_command import BAD_INPUT, OperatorCommand, operator_name
from redirection.models import Channel
from redirection.models.history import Provenance
from redirection.models.reasons import checked_reason
from redirection.rule_problem_texts import sentences
from redirection.rule_problems import Problem


class Command(OperatorCommand):
    help = "For operators: takes deep link rules from a CSV file, all of them or none."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="CSV in UTF-8; - for standard input")
        parser.add_argument("--dry-run", action="store_true", help="check and change nothing")
        parser.add_argument(
            "--replace", action="store_true", help="rules that are not in the file go"
        )
        super().add_arguments(parser)

    def handle(
        self, *args: Any, file: str, dry_run: bool, replace: bool, reason: str, operator: str,
        **options: Any,
    ) -> None:  # fmt: skip
        if not dry_run:
            checked_reason(reason)
        text, found = decoded(_content(file))
        rules, wrong_lines = ([], []) if found else read_rules(text)
        found += wrong_lines

        def plan() -> Plan:
            return planned(rules, replace_all=replace, own=found)

        before = plan()
        self._refuse(before.problems)
        what = "{:,} added, {:,} changed, {:,} removed".format(*before.counts)
        if dry_run:
            self.stdout.write(f"Nothing is wrong. It would be {what}; nothing was changed.")
            return
        by = Provenance(reason, Channel.COMMAND, operator=operator_name(operator))
        try:
            change = change_rules(before, plan, by=by)
        except RulesRefused as error:
            self._refuse(error.problems)
            return
        if change is None:
            self.stdout.write("All rules already are as in the file.")
        else:
            what = f"{change.added:,} added, {change.changed:,} changed, {change.removed:,} removed"
            self.stdout.write(f"{what}, revision {change.revision}.")

    def _refuse(self, found: list[Problem]) -> None:
        if found:
            for line in sentences(found):
                self.stderr.write(line)
            raise CommandError(
                f"{len(found):,} problems, nothing was changed.", returncode=BAD_INPUT
            )


def _content(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}", returncode=BAD_INPUT) from None
