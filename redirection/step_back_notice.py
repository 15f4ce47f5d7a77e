"""What a legacy page says while it is open for one task."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.urls import reverse

from redirection.request_classes import RequestClass
from redirection.visits import Visit


@dataclass(frozen=True, slots=True)
class StepBackNotice:
    """Until when it is open, and where a form ends it."""

    until: dt.datetime
    end_url: str


def step_back_notice(visit: Visit | None) -> StepBackNotice | None:
    """The notice of the page of ``visit``, or None where no step back keeps it."""
    if visit is None or visit.step_back is None or visit.tenant is None or not visit.tenant.on:
        return None
    if visit.request_class is RequestClass.EMBEDDED:
        return None
    return StepBackNotice(
        until=dt.datetime.fromtimestamp(visit.step_back.until / 1000, dt.UTC),
        end_url=reverse("redirection:end_step_back"),
    )
