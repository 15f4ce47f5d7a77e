"""How much feedback is taken in an hour: from one person, and from one tenant."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

from redirection.conf import conf
from redirection.models import Feedback, Tenant
from redirection.tallies import Tally

WINDOW = timedelta(hours=1)
# Pictures that a process reads for one person in that time.
MOST_PICTURES = 20
_pictures = Tally(WINDOW.total_seconds())


class TooMuchFeedback(Exception):
    """More than the settings take. ``retry_after``: seconds until there is room again."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too much feedback, again in {retry_after} s")
        self.retry_after = retry_after


# Counted are the rows themselves, two looks into indexes: right over all workers, processes and
# restarts. A library for rate limits would count per process, or need a second store for it.
def check_limits(tenant: Tenant, person: Any, now: datetime) -> None:
    """Raises TooMuchFeedback if ``person``, or everybody of ``tenant``, has sent too much."""
    recent = Feedback.objects.filter(created_at__gt=now - WINDOW).order_by("-created_at")
    for rows, most in (
        (recent.filter(person=person), conf().feedback_per_person),
        (recent.filter(tenant=tenant), conf().feedback_per_tenant),
    ):
        # The one that has to leave the window before there is room.
        blocking = rows.values_list("created_at", flat=True)[most - 1 : most]
        for created_at in blocking:
            wait = (created_at + WINDOW - now).total_seconds()
            raise TooMuchFeedback(math.ceil(wait))


def check_pictures(person: Any) -> None:
    """Count a picture that is about to be read. Raises TooMuchFeedback."""
    if _pictures.note(str(person.pk)) > MOST_PICTURES:
        raise TooMuchFeedback(_pictures.wait())
