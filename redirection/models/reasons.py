"""Why something was changed: a coded kind and a text, required from every channel."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

REASON_LENGTH = 500
# Line breaks and control characters would let a reason forge a line of a log or an export, and
# what turns the direction of writing, or cannot be seen, would let it say something else.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_UNSEEN = re.compile(r"[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


class ReasonKind(models.TextChoices):
    """The kind of a reason, so that reasons can be counted and filtered."""

    READY = "ready", _("Ready to move")
    TRIAL = "trial", _("Trying it out")
    PLANNED = "planned", _("Planned step")
    SOLVED = "solved", _("The trouble is solved")
    MISSING = "missing", _("Something is missing over there")
    BROKEN = "broken", _("Something does not work")
    TRAINING = "training", _("People need more time")
    OTHER = "other", _("Something else")


FOR_SWITCHING_ON = (
    ReasonKind.READY,
    ReasonKind.TRIAL,
    ReasonKind.PLANNED,
    ReasonKind.SOLVED,
    ReasonKind.OTHER,
)
FOR_SWITCHING_OFF = (
    ReasonKind.MISSING,
    ReasonKind.BROKEN,
    ReasonKind.TRAINING,
    ReasonKind.TRIAL,
    ReasonKind.PLANNED,
    ReasonKind.OTHER,
)


def one_line(text: str) -> str:
    """``text`` without line breaks and control characters."""
    return _UNSEEN.sub("", _CONTROL.sub(" ", text)).strip()


def checked_reason(reason: str) -> str:
    """``reason`` as it is stored: one line, 1 to 500 characters. Raises ValidationError."""
    reason = one_line(reason)
    # Joiners belong to some scripts, but alone they are nothing.
    if not reason.strip("\u200c\u200d "):
        raise ValidationError({"reason": _("Say why, in a few words.")}, code="reason")
    if len(reason) > REASON_LENGTH:
        message = _("Use at most %(limit)d characters.") % {"limit": REASON_LENGTH}
        raise ValidationError({"reason": message}, code="reason")
    return reason


def checked_kind(kind: str) -> str:
    """``kind`` as it is stored. Raises ValidationError for one that is missing or unknown."""
    if kind not in ReasonKind.values:
        known = ", ".join(ReasonKind.values)
        message = _("Choose a kind of reason: %(known)s.") % {"known": known}
        raise ValidationError({"reason_kind": message}, code="reason_kind")
    return kind
