"""Lines of the log about who signed in, who signed out, and which password was wrong."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from portal.models import Person
from redirection.models.reasons import one_line
from redirection.refusals import address_of

logger = logging.getLogger(__name__)


# Operators sign in through Django's own pages, which tell of it in no other way than signals.
@receiver(user_logged_in)
def signed_in(request: HttpRequest, user: Any, **_: Any) -> None:
    way = getattr(user, "backend", "").rpartition(".")[2]
    _say("Signed in: %s by %s from %s", user.get_username(), way, _address(request))


@receiver(user_logged_out)
def signed_out(request: HttpRequest, user: Any, **_: Any) -> None:
    if user is not None:
        _say("Signed out: %s from %s", user.get_username(), _address(request))


@receiver(user_login_failed)
def refused(credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """A wrong password; a sign-in with the provider that fails has a line of its own.

    A name nobody has is not written out: it may be a password in the wrong field.
    """
    if "username" not in credentials:
        return
    name = str(credentials["username"])
    is_known = "\0" not in name and Person.objects.filter(username=name).exists()
    who = one_line(name) if is_known else "a name nobody has"
    logger.warning("Sign-in with a password failed: %s from %s", who, _address(request))


def _say(text: str, name: str, *more: object) -> None:
    logger.info(text, one_line(name), *more)


def _address(request: HttpRequest | None) -> str | None:
    return address_of(request) if request is not None else None
