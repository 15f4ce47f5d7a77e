"""``send_messages [--once]``"""

from __future__ import annotations

import logging
import signal
import threading
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError, close_old_connections, connection
from django.utils import timezone

from redirection.management.operator_command import OperatorCommand
from redirection.outbox import digests
from redirection.outbox.sending import Sender, TooManyLost

logger = logging.getLogger(__name__)

# Seconds between two looks, and between two looks for digests.
IDLE, BUSY = 1.0, 0.05
DIGESTS_EVERY = 60.0
# After a store that fails.
PAUSE = 5.0


class Command(OperatorCommand):
    help = (
        "For operators: sends webhook calls and mail as they become due, until it is told to end "
        "(Ctrl+C, SIGTERM). Killed at any moment, it goes on where it was; several may run."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--once", action="store_true", help="what is due now, and end: for a timer"
        )

    def handle(self, *args: Any, once: bool, **options: Any) -> None:
        sender = Sender()
        try:
            if once:
                digests.write_due(timezone.now())
                while sender.step():
                    time.sleep(BUSY)
            else:
                self._keep_sending(sender)
        except TooManyLost:
            raise CommandError(
                "Too many receivers hold a connection without end. Start again: nothing is lost."
            ) from None

    def _keep_sending(self, sender: Sender) -> None:
        ending = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: ending.set())
        failing, digests_at = False, 0.0
        while not ending.is_set():
            try:
                close_old_connections()
                if time.monotonic() >= digests_at:
                    digests_at = time.monotonic() + DIGESTS_EVERY
                    digests.write_due(timezone.now())
                pause = BUSY if sender.step() else IDLE
                failing = False
            except DatabaseError as error:
                # Once, and not every few seconds, until it works again.
                if not failing:
                    logger.warning("Messages wait, the store cannot be used: %s", error)
                failing, pause = True, PAUSE
                connection.close()
            ending.wait(pause)
        sender.finish()
