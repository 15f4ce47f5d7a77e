"""Workers of the release before go on while the store is upgraded, and after it is taken back.

What they insert is what the models of its last migration insert: the columns they know.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from portal.models import Person
from redirection import retention
from redirection.late_reports import give_each_its_trouble
from redirection.models import Feedback, Tenant, Trouble
from tests.outbox import answered, given
from tests.test_postgresql_store import Manage, manage, output, postgresql, store

__all__ = ["manage", "postgresql", "store"]

UP_AND_BACK = """
import json, uuid
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
BEFORE = "0007_undo_and_names"
def migrate(*words):
    call_command("migrate", *words, verbosity=0)
for app in ("contenttypes", "auth", "portal", "sessions"):
    migrate(app)
migrate("redirection", BEFORE)
state = MigrationExecutor(connection).loader.project_state(
    [("redirection", BEFORE), ("portal", "0002_provider_sessions")]
)
Old = state.apps.get_model("redirection", "Feedback")
tenant = state.apps.get_model("redirection", "Tenant").objects.create(
    name="contoso", title="Contoso", tid=uuid.uuid4()
)
person = state.apps.get_model("portal", "Person").objects.create(username="otto")
def by_old_code(text, page="/#/audits"):
    row = dict(
        tenant=tenant, person=person, portal="legacy", page=page, rating=4, kind="missing"
    )
    Old.objects.create(**row, text=text)
for number in range(4):
    by_old_code("before", f"/#/alerts/{number}")
by_old_code("before")
for name in ("0008", "0009", "0010"):
    migrate("redirection", name)
    by_old_code(name)
migrate()
by_old_code("last")
from redirection.late_reports import give_each_its_trouble
from redirection.models import Feedback, Trouble
def troubles():
    return sorted(Trouble.objects.values_list("route", "reports"))
said = {"upgraded": troubles()}
said["found late"] = give_each_its_trouble(Feedback.everything, Trouble.objects)
said["with those"] = troubles()
said["filled in"] = sorted(set(Feedback.objects.values_list("source", "language", "rating")))
Feedback.objects.filter(text="last").update(rating=None)
migrate("redirection", BEFORE)
by_old_code("after")
said["taken back"] = list(Old.objects.order_by("pk").values_list("text", "rating"))
migrate()
said["once more"] = troubles()
print(json.dumps(said))
"""


@pytest.fixture
def said(manage: Manage) -> Any:
    return json.loads(output(manage("shell", "--verbosity=0", "-c", UP_AND_BACK)))


def test_no_report_of_an_old_worker_is_lost_on_the_way_up_or_back(said: Any) -> None:
    # What it wrote since reports were given their troubles waits for a worker that looks.
    assert said["upgraded"] == [["/alerts/*", 4], ["/audits", 2]]
    assert said["found late"] == 3
    assert said["with those"] == [["/alerts/*", 4], ["/audits", 5]]
    assert said["filled in"] == [["other", "", 4]]
    texts = ["before"] * 5 + ["0008", "0009", "0010", "last", "after"]
    # Reports without a rating get the one that old forms chose.
    ratings = [4] * 8 + [3, 4]
    assert said["taken back"] == [list(row) for row in zip(texts, ratings, strict=True)]
    assert said["once more"] == [["/alerts/*", 4], ["/audits", 6]]


@pytest.fixture
def late(contoso: Tenant, otto: Person) -> Feedback:
    """A report that an old worker wrote: about the same as one that is there."""
    report = given(contoso, otto)
    given(contoso, otto, text="It is still gone")
    Feedback.objects.filter(pk=report.pk).update(trouble=None)
    Trouble.objects.update(reports=1)
    return report


def test_until_it_has_a_trouble_no_page_shows_it(late: Feedback, contoso: Tenant) -> None:
    assert late not in Feedback.objects.all()
    assert late not in contoso.feedback.all()
    assert late in Feedback.everything.all()


def test_whoever_looks_for_what_is_too_old_gives_it_one(late: Feedback) -> None:
    retention.forget()
    retention.let_go()
    late.refresh_from_db()
    assert late in Feedback.objects.all()
    assert (late.trouble.route, late.trouble.reports) == ("/alerts", 2)


def test_it_opens_what_was_said_to_be_fixed_before_and_nothing_that_was_after(
    late: Feedback, contoso: Tenant, otto: Person
) -> None:
    trouble = Trouble.objects.get()
    answered(trouble, state="fixed")
    give_each_its_trouble(Feedback.everything, Trouble.objects)
    trouble.refresh_from_db()
    assert (trouble.state, trouble.reports) == ("fixed", 2)
    later = given(contoso, otto, text="Not at all")
    Feedback.objects.filter(pk=later.pk).update(trouble=None)
    Trouble.objects.update(state="fixed", reopened_at=None)
    give_each_its_trouble(Feedback.everything, Trouble.objects)
    trouble.refresh_from_db()
    assert (trouble.state, trouble.reopened_at) == ("open", later.created_at)


def test_only_so_many_are_taken_at_once(late: Feedback) -> None:
    Feedback.everything.update(trouble=None)
    Trouble.objects.all().delete()
    assert give_each_its_trouble(Feedback.everything, Trouble.objects, 1) == 1
    assert Trouble.objects.get().reports == 1
    assert give_each_its_trouble(Feedback.everything, Trouble.objects, 5) == 1
    assert Trouble.objects.get().reports == 2
    assert give_each_its_trouble(Feedback.everything, Trouble.objects, 5) == 0


def test_of_a_report_that_is_erased_meanwhile_no_trouble_stays(late: Feedback) -> None:
    class Meanwhile:
        """Reports that are gone between being found and being changed."""

        db = "default"

        def filter(self, **asked: Any) -> Any:
            found = Feedback.everything.filter(**asked)
            return found.none() if "pk__in" in asked else found

    Feedback.everything.update(trouble=None)
    Trouble.objects.all().delete()
    give_each_its_trouble(Meanwhile(), Trouble.objects)
    assert not Trouble.objects.exists()


def test_erasing_finds_it_as_well(late: Feedback, otto: Person) -> None:
    from redirection.erasure import erase_person

    assert erase_person(otto)["feedback"] == 2
    assert not Feedback.everything.exists()
