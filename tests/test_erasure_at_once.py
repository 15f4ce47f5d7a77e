"""Erasing while others report, answer and switch: each waits for the other, nothing is left.

On PostgreSQL, where several write at the same time. Each step is told by the locks the store says
somebody waits for, never by a clock.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.demo_process import ROOT
from tests.test_postgresql_store import postgresql

__all__ = ["postgresql"]

BEGIN = """
import json, threading, time, uuid
from django.db import connection, transaction
from portal.models import Person
from redirection.erasure import erase_person, erase_tenant, forget_feedback
from redirection.feedback.answers import announce
from redirection.feedback.giving import give
from redirection.late_reports import give_each_its_trouble
from redirection.models import (
    Change, Feedback, LocalRole, OutgoingMessage, Revision, Tenant, Trouble, WebhookEndpoint,
)
HOW = {"reason": "A test", "channel": "command", "operator": "a test"}
name = uuid.uuid4().hex
contoso = Tenant(tid=uuid.uuid4(), name=name, title="Contoso")
contoso.provision(**HOW)
otto, paul, olga = (Person.objects.create(username=name + who) for who in ("otto", "paul", "olga"))
Feedback.everything.all().delete()
Trouble.objects.all().delete()
def say(person, text, page="/alerts"):
    return give(
        contoso, person, kind="missing", text=text, page=page, portal="destination", source="other"
    )
def in_a_history(person):
    LocalRole.objects.give_local_role(contoso, person, "security_reader", **HOW)
def erased():
    erase_tenant(contoso, **HOW)
def at_once(job):
    ended = []
    def run():
        try:
            job()
            ended.append("done")
        except Exception as error:
            ended.append(type(error).__qualname__)
        finally:
            connection.close()
    thread = threading.Thread(target=run)
    thread.start()
    return thread, ended
def somebody_waits(number=1):
    for _ in range(2_000):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0] >= number:
                return
        time.sleep(0.005)
    raise SystemExit("nobody waits")
def left():
    return sorted(Feedback.everything.filter(tenant=contoso).values_list("text", flat=True))
def counted():
    return [[trouble.reports, trouble.feedback.count()] for trouble in Trouble.objects.all()]
"""

Run = Callable[[str], Any]


@pytest.fixture(scope="module")
def run(postgresql: str) -> Run:
    """What a program prints as JSON, begun in a process of its own: ``run("print(1)")``."""
    environment = {
        "PATH": os.environ["PATH"],
        "ENV_FILE": os.devnull,
        "SECRET_KEY": "a-secret-key-that-is-known-to-everybody-who-reads-the-tests",
        "DATABASE_URL": postgresql,
        "LOG_LEVEL": "ERROR",
    }

    def manage(*words: str) -> str:
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT, env=environment, check=True, timeout=90, stdout=subprocess.PIPE, text=True,
        ).stdout  # fmt: skip

    manage("migrate", "--verbosity=0")
    return lambda code: json.loads(manage("shell", "--verbosity=0", "-c", BEGIN + code))


def test_a_report_while_its_tenant_is_erased_is_not_taken(run: Run) -> None:
    assert run("""
say(otto, "Before")
with transaction.atomic():
    erased()
    thread, ended = at_once(lambda: say(paul, "Meanwhile"))
    somebody_waits()
thread.join()
print(json.dumps([ended, left(), counted()]))
""") == [["Tenant.DoesNotExist"], [], []]


def test_a_report_of_something_else_waits_as_soon_as_its_tenant_is_being_erased(run: Run) -> None:
    assert run("""
trouble = say(otto, "Before").trouble
with transaction.atomic():
    Trouble.objects.select_for_update().get(pk=trouble.pk)
    erasing, erasure = at_once(erased)
    somebody_waits()
    thread, ended = at_once(lambda: say(paul, "Meanwhile", "/hunting"))
    somebody_waits(2)
erasing.join()
thread.join()
print(json.dumps([erasure, ended, left(), counted()]))
""") == [["done"], ["Tenant.DoesNotExist"], [], []]


@pytest.mark.parametrize("history", ["", "in_a_history(otto)"])
def test_a_report_while_its_sender_is_erased_is_not_taken(run: Run, history: str) -> None:
    assert run(f"""
{history}
say(otto, "Before")
say(paul, "Of somebody else")
with transaction.atomic():
    erase_person(otto)
    thread, ended = at_once(lambda: say(otto, "Meanwhile"))
    somebody_waits()
thread.join()
print(json.dumps([ended, left(), counted()]))
""") == [["Person.DoesNotExist"], ["Of somebody else"], [[1, 1]]]


@pytest.mark.parametrize("erasing", ["erased", "lambda: erase_person(otto)"])
def test_who_is_reporting_already_is_waited_for_and_erased(run: Run, erasing: str) -> None:
    """Without a deadlock: more troubles are locked while the erasure waits."""
    assert run(f"""
say(otto, "Before")
say(otto, "Elsewhere", "/incidents")
with transaction.atomic():
    say(otto, "Begun", "/hunting")
    thread, ended = at_once({erasing})
    somebody_waits()
    say(otto, "Begun as well")
    say(otto, "And there", "/incidents")
thread.join()
print(json.dumps([ended, left(), counted()]))
""") == [["done"], [], []]


def test_a_person_and_their_tenant_are_erased_one_after_the_other(run: Run) -> None:
    assert run("""
say(otto, "Before")
with transaction.atomic():
    Person.objects.select_for_update().get(pk=otto.pk)
    thread, ended = at_once(erased)
    somebody_waits()
    erase_person(otto)
thread.join()
print(json.dumps([ended, left(), counted(), Person.objects.filter(pk=otto.pk).count()]))
""") == [["done"], [], [], 0]


def test_a_report_of_the_same_while_reports_are_forgotten_is_counted(run: Run) -> None:
    assert run("""
say(otto, "Old")
with transaction.atomic():
    say(paul, "New")
    thread, ended = at_once(lambda: forget_feedback(Feedback.objects.filter(person=otto)))
    somebody_waits()
thread.join()
print(json.dumps([ended, left(), counted()]))
""") == [["done"], ["New"], [[1, 1]]]


def test_an_answer_while_its_tenant_is_erased_goes_to_nobody_there(run: Run) -> None:
    """Whoever answers holds the trouble, and refers to the tenant that is being erased."""
    assert run("""
WebhookEndpoint.objects.create(tenant=contoso, url="https://hooks.example.com/")
trouble = say(otto, "Before").trouble
with transaction.atomic():
    Trouble.objects.select_for_update().get(pk=trouble.pk)
    thread, ended = at_once(erased)
    somebody_waits()
    announce(trouble, state="planned", text="Soon", page="", author=olga)
    told = OutgoingMessage.objects.filter(tenant=contoso, event="feedback.answered").count()
thread.join()
messages = OutgoingMessage.objects.filter(tenant=contoso).count()
print(json.dumps([told, ended, messages, left()]))
""") == [1, ["done"], 0, []]


def test_a_switch_that_began_before_its_tenant_is_erased_ends_before(run: Run) -> None:
    assert run("""
say(otto, "Before")
with transaction.atomic():
    Revision.locked()
    thread, ended = at_once(erased)
    somebody_waits()
    contoso.switch_redirection("on", reason_kind="trial", **HOW)
thread.join()
after = list(Change.objects.filter(tenant=contoso).order_by("pk").values_list("after", flat=True))
print(json.dumps([ended, after, left()]))
""") == [["done"], ["enabled", "on", "disabled"], []]


def test_reports_that_two_processes_find_without_a_trouble_are_counted_once(run: Run) -> None:
    assert run("""
trouble = say(otto, "With").trouble
late = say(paul, "Without")
Feedback.objects.filter(pk=late.pk).update(trouble=None)
Trouble.objects.filter(pk=trouble.pk).update(reports=1)
def look():
    give_each_its_trouble(Feedback.everything, Trouble.objects)
with transaction.atomic():
    Trouble.objects.select_for_update().get(pk=trouble.pk)
    threads = [at_once(look), at_once(look)]
    somebody_waits(2)
for thread, _ in threads:
    thread.join()
print(json.dumps([[ended for _, ended in threads], counted()]))
""") == [[["done"], ["done"]], [[2, 2]]]


def test_a_trouble_that_is_erased_meanwhile_is_made_anew_at_the_next_look(run: Run) -> None:
    assert run("""
say(otto, "With")
late = say(paul, "Without")
Feedback.objects.filter(pk=late.pk).update(trouble=None)
def look():
    give_each_its_trouble(Feedback.everything, Trouble.objects)
with transaction.atomic():
    forget_feedback(Feedback.objects.filter(person=otto))
    thread, ended = at_once(look)
    somebody_waits()
thread.join()
before = counted()
look()
print(json.dumps([ended, before, counted()]))
""") == [["done"], [], [[1, 1]]]
