"""``explain URL [--tenant NAME|TID] [--at TIME] [--visitor KIND] ... [--json]``"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandError

from redirection.explain_forms import ExplainForm
from redirection.explanation_json import explanation_json
from redirection.explanation_texts import Part, parts_of
from redirection.explanations import explain
from redirection.management.operator_command import BAD_INPUT, OperatorCommand
from redirection.visitors import Visitor

# Nobody's cookie is longer.
LONGEST_INPUT = 1000


class Command(OperatorCommand):
    help = (
        "For operators who are asked why: what a request to the legacy portal gets, by which "
        "rule, revision and session. Nothing is fetched, counted or stored."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "url", metavar="URL", help="a whole address, a path, or the part from # on"
        )
        parser.add_argument("--tenant", default="", metavar="NAME|TID", help="the one visited last")
        parser.add_argument(
            "--at", default="", metavar="TIME", help="such as 2026-01-31T14:00Z; now by default"
        )
        parser.add_argument(
            "--visitor",
            default=Visitor.NEW.value,
            metavar="KIND",
            help=", ".join(Visitor),
        )
        parser.add_argument("--method", default="", help="such as HEAD")
        parser.add_argument(
            "--header", action="append", default=[], metavar="'NAME: VALUE'", help="repeatable"
        )
        parser.add_argument(
            "--cookie",
            default="",
            help="a legacy session cookie; - reads it from standard input, away from other eyes",
        )
        parser.add_argument("--json", action="store_true", dest="as_json", help="for programs")

    def handle(
        self, *args: Any, url: str, cookie: str, header: list[str], as_json: bool, **options: Any
    ) -> None:
        if cookie == "-":
            cookie = sys.stdin.readline(LONGEST_INPUT).strip()
        asked = {name: options[name] for name in ("tenant", "at", "visitor", "method")}
        lines = "\n".join(" ".join(line.splitlines()) for line in header)
        form = ExplainForm({"url": url, "cookie": cookie, "header": lines, **asked})
        if not form.is_valid():
            raise CommandError(_first_problem(form), returncode=BAD_INPUT)
        found = explain(form.question)
        if as_json:
            self.stdout.write(json.dumps(explanation_json(found), ensure_ascii=False, indent=2))
        else:
            parts = parts_of(found, at_is_naive=form.at_is_naive)
            self.stdout.write("\n".join(_written(parts)))


def _first_problem(form: ExplainForm) -> str:
    name, errors = next(iter(form.errors.items()))
    return f"{'URL' if name == 'url' else f'--{name}'}: {' '.join(map(str, errors))}"


def _written(parts: list[Part]) -> Iterator[str]:
    for number, part in enumerate(parts):
        yield f"{chr(10) if number else ''}{part.title}"
        for line in part.lines:
            said = [line.text, line.code, _moment(line.at) if line.at else ""]
            yield f"  {line.label}: {' '.join(filter(None, said))}"


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
