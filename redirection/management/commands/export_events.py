"""``export_events [--since REVISION|TIME|CURSOR] [--follow]``"""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from redirection.event_lines import cursor_of, lines
from redirection.management.operator_command import BAD_INPUT, OperatorCommand

# Seconds between two looks.
PAUSE = 2.0


class Command(OperatorCommand):
    help = (
        "For operators: changes and refusals as JSON lines on standard output, for whatever "
        "collects security events. Each line has the cursor to go on after it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--since",
            default="",
            metavar="REVISION|TIME|CURSOR",
            help="such as 41, 2026-01-31T14:00Z, or the cursor of the last line; all by default",
        )
        parser.add_argument(
            "--follow", action="store_true", help="go on until it is told to end (Ctrl+C, SIGTERM)"
        )

    def handle(self, *args: Any, since: str, follow: bool, **options: Any) -> None:
        try:
            cursor = cursor_of(since.strip())
        except ValueError:
            raise CommandError(
                f"--since {since!r} is neither a revision, nor a time with its zone such as "
                "2026-01-31T14:00Z, nor the cursor of a line.",
                returncode=BAD_INPUT,
            ) from None
        ending = threading.Event()
        if follow:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: ending.set())
        try:
            while True:
                for line, after in lines(cursor, timezone.now()):
                    self.stdout.write(line)
                    cursor = after
                    if ending.is_set():
                        return
                self.stdout.flush()
                if not follow or ending.wait(PAUSE):
                    return
        except BrokenPipeError:
            # Whoever read has gone; what they have read says where to go on.
            return
