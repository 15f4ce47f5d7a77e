"""``erase_person PERSON --reason TEXT [--dry-run]``"""

from __future__ import annotations

import logging
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError
from django.db import transaction
from django.db.models import Q

from redirection.erasure import erase_person
from redirection.management.operator_command import BAD_INPUT, OperatorCommand, operator_name
from redirection.models.reasons import checked_reason

logger = logging.getLogger(__name__)


class Command(OperatorCommand):
    help = (
        "For operators: erases what is known of one person. Histories keep what was done, under "
        "a pseudonym. All or nothing, also if it is killed on the way."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("person", metavar="PERSON", help="object id or user name")
        parser.add_argument("--dry-run", action="store_true", help="say what it would do")
        super().add_arguments(parser)

    def handle(
        self, *args: Any, person: str, dry_run: bool, reason: str, operator: str, **options: Any
    ) -> None:
        reason = checked_reason(reason)
        with transaction.atomic():
            found = _person(person)
            done = erase_person(found)
            transaction.set_rollback(dry_run)
        for name, number in sorted(done.items()):
            self.stdout.write(f"{name}: {number:,}")
        self.stdout.write("Nothing was erased." if dry_run else "The person is erased.")
        if not dry_run:
            # Without a name: what is erased must not be found in the log.
            logger.info("A person was erased by %s: %s", operator_name(operator), reason)


def _person(given: str) -> Any:
    people: Any = get_user_model()
    name = people.USERNAME_FIELD
    # A person of a tenant is named by tenant id and object id.
    asked = Q(**{name: given}) | Q(**{f"{name}__endswith": f":{given.lower()}"})
    found = list(people.objects.filter(asked)[:2])
    if not given.strip() or not found:
        raise CommandError(f"Nobody is known as {given!r}.", returncode=BAD_INPUT)
    if len(found) > 1:
        raise CommandError(
            f"More than one person is known as {given!r}: give the user name.", returncode=BAD_INPUT
        )
    return found[0]
