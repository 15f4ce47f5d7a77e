"""Several processes report, answer and erase at once: limits hold, counts are right."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.demo_process import ROOT
from tests.test_postgresql_store import postgresql

__all__ = ["postgresql"]

PER_PERSON, PER_TENANT = 6, 20
PREPARE = """
from uuid import UUID
from portal.models import Person
from redirection.models import Channel, Tenant
for number in (1, 2):
    tenant = Tenant(tid=UUID(int=number), name=f"tenant-{number}", title="T")
    tenant.provision(reason="A test", channel=Channel.COMMAND, operator="a test")
for number in range(12):
    Person.objects.create_user(f"person-{number}")
"""
# Begins as soon as a line arrives, as the other process does; prints what became of each try.
BEGIN = """
import json, sys
from concurrent.futures import ThreadPoolExecutor
from django.core.exceptions import ValidationError
from django.db import OperationalError, connection
from portal.models import Person
from redirection.erasure import forget_feedback
from redirection.feedback.answers import AnsweredMeanwhile, announce
from redirection.feedback.giving import give
from redirection.feedback.limits import TooMuchFeedback
from redirection.models import Answer, Feedback, Tenant, Trouble
tenants = list(Tenant.objects.order_by("pk"))
people = list(Person.objects.order_by("pk"))
def send(tenant, person, text, page="/#/audits"):
    try:
        give(tenant, person, kind="missing", text=text, page=page, portal="legacy", source="other")
    except TooMuchFeedback as error:
        return f"refused, {0 < error.retry_after <= 3600}"
    return "taken"
def answer(number, state, text, seen=None):
    trouble = Trouble(pk=number)
    try:
        given = announce(
            trouble, state=state, text=text, page="", author=people[0], seen_answer=seen
        )
    except AnsweredMeanwhile as error:
        return f"meanwhile: {error.answer.text}"
    except ValidationError as error:
        return f"{error.code}: {error.messages[0]}"
    return f"answered: {given.text}"
def closing(job):
    def run(argument):
        try:
            return job(argument)
        finally:
            connection.close()
    return run
def at_once(job, arguments, threads=4):
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(closing(job), arguments))
print("ready", flush=True)
sys.stdin.readline()
"""

Store = Callable[..., Any]


@pytest.fixture(scope="module")
def environment(postgresql: str) -> dict[str, str]:
    environment = {
        "PATH": os.environ["PATH"],
        "ENV_FILE": os.devnull,
        "SECRET_KEY": "a-secret-key-that-is-known-to-everybody-who-reads-the-tests",
        "DATABASE_URL": postgresql,
        "REDIRECTION_FEEDBACK_PER_PERSON": str(PER_PERSON),
        "REDIRECTION_FEEDBACK_PER_TENANT": str(PER_TENANT),
        "LOG_LEVEL": "ERROR",
    }
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity=0"],
        cwd=ROOT, env=environment, check=True, timeout=90,
    )  # fmt: skip
    assert run(environment, PREPARE) == ""
    return environment


@pytest.fixture
def store(environment: dict[str, str]) -> Store:
    """What code prints that runs in a process of its own, as JSON: ``store("print(1)")``."""
    run(environment, EMPTY)
    return lambda code: json.loads(run(environment, code))


EMPTY = """
from redirection.models import Answer, Feedback, Trouble
Feedback.objects.all().delete()
Trouble.objects.all().delete()
"""


def shell(environment: dict[str, str], code: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "shell", "--verbosity=0", "-c", code],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def run(environment: dict[str, str], code: str) -> str:
    process = shell(environment, code)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return said


def both(environment: dict[str, str], first: str, second: str) -> tuple[Any, Any]:
    """What two processes print that run ``first`` and ``second`` at the same moment."""
    processes = [shell(environment, BEGIN + code) for code in (first, second)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    first_said, second_said = map(json.loads, said)
    return first_said, second_said


COUNTS = """
import json
from django.db.models import Count
from redirection.models import Feedback, Trouble
def most(what):
    rows = Feedback.objects.order_by().values(what).annotate(n=Count("pk"))
    return max((row["n"] for row in rows), default=0)
reports = sum(Trouble.objects.values_list("reports", flat=True))
print(json.dumps([most("person"), most("tenant"), Feedback.objects.count(), reports]))
"""


def test_the_limits_are_those_of_all_processes_together(
    environment: dict[str, str], store: Store
) -> None:
    one = (
        "print(json.dumps(at_once(lambda n: send(tenants[0], people[0], f'NAME {n}'), range(20))))"
    )
    said = both(environment, one.replace("NAME", "first"), one.replace("NAME", "second"))
    assert Counter(said[0] + said[1]) == {"taken": PER_PERSON, "refused, True": 40 - PER_PERSON}
    assert store(COUNTS) == [PER_PERSON] * 4
    many = (
        "print(json.dumps(at_once("
        "lambda n: send(tenants[0], people[1 + n % 10], f'NAME {n}'), range(30))))"
    )
    said = both(environment, many.replace("NAME", "first"), many.replace("NAME", "second"))
    assert Counter(said[0] + said[1])["taken"] == PER_TENANT - PER_PERSON
    most, of_tenant, stored, counted = store(COUNTS)
    assert most == PER_PERSON
    assert of_tenant == stored == counted == PER_TENANT


@pytest.mark.long
def test_a_form_sent_twice_at_the_same_moment_is_one_report(
    environment: dict[str, str], store: Store
) -> None:
    same = "print(json.dumps(at_once(lambda n: send(tenants[0], people[n // 4], 'x'), range(8))))"
    said = both(environment, same, same)
    assert set(said[0] + said[1]) == {"taken"}
    assert store(COUNTS) == [1, 2, 2, 2]


@pytest.mark.long
def test_of_two_operators_at_the_same_moment_one_answers_and_the_other_is_told(
    environment: dict[str, str], store: Store
) -> None:
    troubles = store(GIVE)
    code = "print(json.dumps([answer(number, 'fixed', 'By NAME', seen=0) for number in TROUBLES]))"
    code = code.replace("TROUBLES", str(troubles))
    said = both(environment, code.replace("NAME", "Ann"), code.replace("NAME", "Bob"))
    for first, second in zip(*said, strict=True):
        assert {first, second} in (
            {"answered: By Ann", "meanwhile: By Ann"},
            {"answered: By Bob", "meanwhile: By Bob"},
        )
    assert store(ANSWERS) == [1] * len(troubles)
    # The same words of both are one answer.
    code = f"print(json.dumps([answer(number, 'planned', 'In May') for number in {troubles}]))"
    said = both(environment, code, code)
    assert set(said[0] + said[1]) == {"answered: In May"}
    assert store(ANSWERS) == [2] * len(troubles)


@pytest.mark.long
def test_an_answer_while_everything_is_erased_ends_with_words(
    environment: dict[str, str], store: Store
) -> None:
    troubles = store(GIVE)
    erase = (
        f"for number in {troubles}: forget_feedback(Feedback.objects.filter(trouble=number))\n"
        "print(1)"
    )
    code = f"print(json.dumps([answer(number, 'fixed', 'x') for number in {troubles}]))"
    said, _ = both(environment, code, erase)
    assert {words.partition(":")[0] for words in said} <= {"answered", "erased"}
    assert store(COUNTS) == [0, 0, 0, 0]
    assert store(ANSWERS) == []
    said, _ = both(environment, code, "print(1)")
    assert {words.partition(":")[0] for words in said} == {"erased"}
    assert "nobody is left to answer" in said[0]


@pytest.mark.long
def test_reports_while_their_trouble_is_answered_are_counted_and_open_it_again(
    environment: dict[str, str], store: Store
) -> None:
    trouble = store(GIVE)[2]
    reports = (
        "print(json.dumps(at_once("
        "lambda n: send(tenants[n % 2], people[1 + n % 10], f'r {n}'), range(18))))"
    )
    answers = f"print(json.dumps([answer({trouble}, 'fixed', f'a {{n}}') for n in range(10)]))"
    taken, answered = both(environment, reports, answers)
    assert set(taken) == {"taken"}
    assert answered == [f"answered: a {number}" for number in range(10)]
    state, count, stored, opened, last_report, last_answer = store(STATE.format(trouble))
    assert count == stored == 19
    # Whichever was last decides, and times say the same.
    assert state == ("open" if last_report > last_answer else "fixed")
    assert opened == (last_report > last_answer)


# The numbers of ten troubles.
GIVE = """
import json
from portal.models import Person
from redirection.feedback.giving import record
from redirection.models import Feedback, Tenant
tenant, person = Tenant.objects.order_by("pk")[0], Person.objects.order_by("pk")[0]
print(json.dumps([
    record(
        tenant, person, kind=kind, text="x", page=page, portal="legacy", source="other"
    ).trouble_id
    for kind in Feedback.Kind.values for page in ("/#/audits", "/#/files")
]))
"""
ANSWERS = """
import json
from redirection.models import Trouble
print(json.dumps([trouble.answers.count() for trouble in Trouble.objects.all()]))
"""
STATE = """
import json
from redirection.models import Trouble
trouble = Trouble.objects.get(pk={})
print(json.dumps([
    trouble.state, trouble.reports, trouble.feedback.count(), trouble.reopened_at is not None,
    trouble.feedback.latest("created_at").created_at.timestamp(),
    trouble.answers.latest("at").at.timestamp(),
]))
"""
