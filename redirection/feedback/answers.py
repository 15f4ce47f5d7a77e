"""Answers: one to all senders of a trouble at once, with the state it announces."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from redirection.conf import conf
from redirection.feedback.words import page_asked, plain_text
from redirection.models import Answer, Trouble
from redirection.models.feedback import TEXT_LENGTH
from redirection.models.history import NAME_LENGTH
from redirection.models.reasons import one_line
from redirection.outbox.events import trouble_answered

logger = logging.getLogger(__name__)


class AnsweredMeanwhile(Exception):
    """The newest answer is no longer the one that was seen, but ``answer``."""

    def __init__(self, answer: Answer | None) -> None:
        super().__init__(f"answered meanwhile: {answer}")
        self.answer = answer


def announce(
    trouble: Trouble,
    *,
    state: str,
    text: str,
    page: str,
    author: Any,
    seen_answer: int | None = None,
) -> Answer:
    """Answer all senders of ``trouble``, and bring it to ``state``, in one transaction.

    ``page`` is path, query and fragment on the destination to try, or empty; an address of a
    configured destination will do. ``seen_answer`` is the number of the newest answer that the
    author saw, 0 for none. What stands there already is returned and sent to nobody again.
    Raises ValidationError, also where every report of it was erased meanwhile, and
    AnsweredMeanwhile if somebody else was faster.
    """
    if state not in Trouble.State.values:
        raise ValidationError({"state": _("Choose one.")}, code="state")
    text, page = checked_text(text), checked_page(page)
    with transaction.atomic():
        locked = Trouble.objects.select_for_update(no_key=True).filter(pk=trouble.pk).first()
        if locked is None:
            raise ValidationError(
                _("Everything that was reported of it has been erased: nobody is left to answer."),
                code="erased",
            )
        newest = newest_answer(locked)
        # A double click, or a form sent again, finds the very answer it gave.
        is_there = newest and (newest.state, newest.text, newest.page) == (state, text, page)
        if newest is not None and is_there and locked.state == state:
            return newest
        if seen_answer is not None and seen_answer != (newest.pk if newest else 0):
            raise AnsweredMeanwhile(newest)
        answer = Answer.objects.create(
            trouble=locked,
            state=state,
            text=text,
            page=page,
            author=author,
            author_name=one_line(str(author))[:NAME_LENGTH],
        )
        locked.state, locked.reopened_at = state, None
        locked.save(update_fields=["state", "reopened_at"])
        trouble_answered(answer)
    logger.info("Trouble %d is %s, answered by %s", trouble.pk, state, author.get_username())
    return answer


def newest_answer(trouble: Trouble) -> Answer | None:
    return trouble.answers.order_by("-pk").first()


def answers_since(trouble: Trouble, first_report: datetime) -> list[Answer]:
    """What people who report since then may read of a trouble, the newest answer first.

    Those after the first report, else the newest one while the trouble is not open.
    """
    after = list(trouble.answers.filter(at__gte=first_report).order_by("-pk")[:20])
    if after or trouble.state == Trouble.State.OPEN:
        return after
    return list(trouble.answers.order_by("-pk")[:1])


def checked_text(text: str) -> str:
    """``text`` as it is stored. Raises ValidationError for none, or one that is too long."""
    text = plain_text(text)
    if not text:
        raise ValidationError({"text": _("Say something to those who reported it.")}, code="text")
    if len(text) > TEXT_LENGTH:
        message = _("Use at most %(limit)d characters.") % {"limit": TEXT_LENGTH}
        raise ValidationError({"text": message}, code="text")
    return text


def checked_page(page: str) -> str:
    """``page`` as it is stored: what follows the origin of a destination. Raises ValidationError.

    Each sender is led to their own tenant's destination, so no other origin can be meant.
    """
    page = page.strip()
    for origin in map(conf().destination, conf().clouds):
        if origin is not None and page.startswith((f"{origin}/", f"{origin}?", f"{origin}#")):
            page = page[len(origin) :]
            break
    if page and page_asked(page) != page:
        message = _("Give a page of the destination, beginning with one slash.")
        raise ValidationError({"page": message}, code="page")
    return page
