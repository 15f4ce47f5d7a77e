"""Sending what is due: each lane (a webhook, or the mail) by itself, so none waits for another.

The store is asked by one thread alone; those that send know nothing of it.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from redirection.models import OutgoingMessage, WebhookEndpoint
from redirection.outbox import mails, webhooks
from redirection.outbox.webhooks import Outcome

logger = logging.getLogger(__name__)

# At once; a lane sends one message after the other.
MOST_LANES = 8
# Taken together by one lane.
BATCH = 20
# Seconds: a lane begins nothing after its time, and is given up where a single message takes
# longer than the second or, of mail with its many steps, the third; then others may go on.
LANE_SECONDS = 30.0
LOST_SECONDS = 20.0
LOST_MAIL_SECONDS = 60.0
# Longer than any lane goes on, so that two senders have no message at once.
LEASE = timedelta(seconds=120)
# So many lanes may hang in a receiver that answers byte by byte, before the process ends and
# is started again.
MOST_LOST = 32
# From 30 seconds on, each pause four times the one before, six hours at most: three days in all.
FIRST_PAUSE = 30
LONGEST_PAUSE = 6 * 3600
MOST_TRIES = 17

# A message in a form that needs no store, and the function that sends them one by one.
Prepared = tuple[int, Any]
Send = Callable[[Sequence[Any]], Iterator[Outcome]]
# What became of each, in their order, and None at the end of the lane.
Results = deque[tuple[int, Outcome] | None]


class TooManyLost(Exception):
    """Too many receivers hold a connection without end."""


@dataclass
class _Lane:
    endpoint: int | None
    waiting: set[int]
    results: Results
    thread: threading.Thread
    # The last time that something of it was written down.
    heard_at: float = field(default_factory=time.monotonic)

    @property
    def is_lost(self) -> bool:
        longest = LOST_MAIL_SECONDS if self.endpoint is None else LOST_SECONDS
        return time.monotonic() - self.heard_at > longest


class Sender:
    """Sends until it is told to end. ``step`` and ``finish`` raise DatabaseError, TooManyLost."""

    def __init__(self) -> None:
        self.lanes: dict[int | None, _Lane] = {}
        self.lost: list[_Lane] = []

    def step(self) -> bool:
        """Write down what was sent, and begin what is due; whether anything was going on."""
        went_on = self._collect()
        self.lost = [lane for lane in self.lost if lane.thread.is_alive()]
        if len(self.lost) >= MOST_LOST:
            raise TooManyLost
        while len(self.lanes) < MOST_LANES and self._begin():
            went_on = True
        return went_on or bool(self.lanes)

    def finish(self) -> None:
        """Wait for what is being sent, no longer than a lane may take."""
        while self.lanes:
            if not self._collect():
                time.sleep(0.01)

    def _begin(self) -> bool:
        busy = [lane.endpoint for lane in (*self.lanes.values(), *self.lost)]
        first = due(timezone.now(), busy).first()
        if first is None:
            return False
        taken = take(first.endpoint_id)
        prepared, send = _prepared(taken)
        if not prepared:
            return bool(taken)
        results: Results = deque()
        thread = threading.Thread(target=_run, args=(prepared, send, results), daemon=True)
        numbers = {number for number, _ in prepared}
        self.lanes[first.endpoint_id] = _Lane(first.endpoint_id, numbers, results, thread)
        thread.start()
        return True

    def _collect(self) -> bool:
        went_on = False
        for lane in list(self.lanes.values()):
            went_on = self._collect_lane(lane) or went_on
            if lane.is_lost and lane.endpoint in self.lanes:
                del self.lanes[lane.endpoint]
                self.lost.append(lane)
                # One of them may be the reason; each gets its next try later.
                for number in lane.waiting:
                    note(number, Outcome("No end of the answer."))
        return went_on

    def _collect_lane(self, lane: _Lane) -> bool:
        went_on = False
        while lane.results:
            went_on = True
            result = lane.results[0]
            if result is None:
                # What it had no time for.
                OutgoingMessage.objects.filter(pk__in=lane.waiting, sent_at=None).update(
                    due_at=timezone.now()
                )
                del self.lanes[lane.endpoint]
                return went_on
            number, outcome = result
            note(number, outcome)
            # Not before: what a store that fails did not take is written down later.
            lane.results.popleft()
            lane.waiting.discard(number)
            lane.heard_at = time.monotonic()
        return went_on


def due(now: datetime, busy: Sequence[int | None] = ()) -> QuerySet[OutgoingMessage]:
    """What has to be sent now, but for lanes that are busy; None is the one of mail."""
    found = OutgoingMessage.objects.filter(sent_at=None, given_up_at=None, due_at__lte=now)
    # A tenant that is disabled gets nothing; what it missed comes once it is enabled again.
    is_heard = Q(endpoint__tenant=None) | Q(endpoint__tenant__enabled=True)
    found = found.filter(Q(endpoint=None) | (Q(endpoint__is_active=True) & is_heard))
    if None in busy:
        found = found.exclude(endpoint=None)
    return found.exclude(endpoint__in=[number for number in busy if number is not None])


def take(endpoint: int | None) -> list[OutgoingMessage]:
    """Take some that are due in one lane: nobody else does so before the lease is over."""
    now = timezone.now()
    found = due(now).filter(endpoint=endpoint).select_related("endpoint", "person", "tenant")
    taken = []
    for message in found[:BATCH]:
        same = OutgoingMessage.objects.filter(
            pk=message.pk, due_at=message.due_at, sent_at=None, given_up_at=None
        )
        # Two senders at once: one of them wins.
        if same.update(due_at=now + LEASE):
            taken.append(message)
    return taken


def note(number: int, outcome: Outcome) -> None:
    """Write down what became of one try."""
    message = OutgoingMessage.objects.filter(pk=number, sent_at=None).first()
    if message is None:
        return
    now = timezone.now()
    message.tries += 1
    message.problem = outcome.problem[:200]
    if not outcome.problem:
        message.sent_at = now
    elif outcome.is_over or message.tries >= MOST_TRIES:
        message.given_up_at = now
        logger.warning("Given up: %s after %d tries: %s", message, message.tries, outcome.problem)
    else:
        message.due_at = now + timedelta(seconds=_wait(message.tries, outcome))
    message.save(update_fields=["tries", "problem", "sent_at", "given_up_at", "due_at"])
    if outcome.is_gone and message.endpoint_id is not None:
        # Standard Webhooks: whoever says 410 wants no more.
        WebhookEndpoint.objects.filter(pk=message.endpoint_id).update(is_active=False)


def pause_after(tries: int) -> float:
    """Seconds until the next try after so many, spread so that not all come back at once."""
    longest = min(FIRST_PAUSE * 4 ** min(tries - 1, 10), LONGEST_PAUSE)
    return float(longest * random.uniform(0.8, 1.2))  # noqa: S311


def _wait(tries: int, outcome: Outcome) -> float:
    return max(pause_after(tries), min(outcome.wait, LONGEST_PAUSE))


def _prepared(taken: list[OutgoingMessage]) -> tuple[list[Prepared], Send]:
    if taken and taken[0].kind == OutgoingMessage.Kind.WEBHOOK:
        return [(message.pk, webhooks.call_of(message)) for message in taken], _call
    prepared: list[Prepared] = []
    for message in taken:
        mail = mails.mail_of(message)
        if mail is None:
            # Whom or what it was about is gone, or not theirs to know any more.
            message.delete()
        else:
            prepared.append((message.pk, mail))
    return prepared, mails.send


def _call(calls: Sequence[webhooks.Call]) -> Iterator[Outcome]:
    with webhooks.session() as session:
        for call in calls:
            yield webhooks.deliver(call, session)


def _run(prepared: list[Prepared], send: Send, results: Results) -> None:
    until = time.monotonic() + LANE_SECONDS
    outcomes = send([content for _, content in prepared])
    for number, _ in prepared:
        try:
            outcome = next(outcomes)
        except Exception as error:
            logger.exception("Sending failed")
            outcome = Outcome(type(error).__name__)
        results.append((number, outcome))
        # Whatever is wrong there would only be met again.
        if outcome.problem or time.monotonic() > until:
            break
    results.append(None)
