"""Two hundred posts a second, hostile ones among them: refused with words, and the rest goes on."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from itertools import count
from pathlib import Path

import pytest

from tests.conftest import PAGE_LOAD
from tests.demo_process import ROOT, free_port, wait_until_open
from tests.settings import REDIRECTION_CLOUDS
from tests.test_feedback_pictures import SVG, bomb, picture
from tests.test_postgresql_store import postgresql

__all__ = ["postgresql"]

FORM = "/redirection/feedback"
SETTINGS = "/cloudapps/settings?tabid=autoRedirection"
BOUNDARY = "the-boundary"
PEOPLE = 40
PER_PERSON, PER_TENANT = 5, 60
REFUSALS = {HTTPStatus.BAD_REQUEST, HTTPStatus.TOO_MANY_REQUESTS}

# A tenant that is on, one who may look, and many who report: prints their sessions.
PREPARE = f"""
import json
from uuid import UUID, uuid4
from django.test import Client
from portal.models import Person
from redirection.models import Channel, RoleSnapshot, Tenant
from redirection.roles import GLOBAL_READER, ORDINARY_MEMBER
tenant = Tenant(tid=UUID(int=7), name="contoso", title="Contoso")
tenant.provision(reason="A test", channel=Channel.COMMAND, operator="a test")
tenant.switch_redirection(
    "on", reason_kind="trial", reason="A test", channel=Channel.COMMAND, operator="a test"
)
sessions = []
for number in range({PEOPLE} + 1):
    person = Person.objects.create_user(str(uuid4()))
    roles = [ORDINARY_MEMBER] if number else [GLOBAL_READER, ORDINARY_MEMBER]
    RoleSnapshot.objects.create(person=person, tenant=tenant, directory_roles=roles)
    browser = Client()
    browser.force_login(person, "redirection.permissions.TenantRolesBackend")
    sessions.append(browser.cookies["portal_session"].value)
print(json.dumps(sessions))
"""
STORED = """
import json
from django.db.models import Count
from redirection.models import Feedback, Screenshot, Trouble
most = Feedback.objects.order_by().values("person").annotate(n=Count("pk")).order_by("-n")
print(json.dumps([
    Feedback.objects.count(), most[0]["n"] if most else 0,
    sum(Trouble.objects.values_list("reports", flat=True)), Screenshot.objects.count(),
]))
"""


def shipped(name: str) -> dict[str, str]:
    """How many workers and threads the unit ``name`` has."""
    lines = (ROOT / "deploy" / "systemd" / name).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@dataclass
class Site:
    """The processes as they are shipped, on one store."""

    environment: dict[str, str]
    pages: int = 0
    gate: int = 0
    sessions: list[str] = field(default_factory=list)

    def manage(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "manage.py", *words],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False, timeout=90,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextmanager
    def process(self, name: str, port: int) -> Iterator[None]:
        unit = (ROOT / "deploy" / "systemd" / "portal-redirection@.service").read_text()
        started = re.search(r"^ExecStart=\S+/granian (.*)$", unit.replace("\\\n", ""), re.MULTILINE)
        assert started is not None
        process = subprocess.Popen(
            [sys.executable, "-m", "granian", *started[1].split()],
            cwd=ROOT,
            env={**self.environment, **shipped(name), "GRANIAN_PORT": str(port)},
            start_new_session=True,
        )
        try:
            wait_until_open(port)
            yield
        finally:
            process.terminate()
            try:
                process.wait(20)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture
def site(postgresql: str, tmp_path: Path) -> Iterator[Site]:
    (tmp_path / "static").mkdir()
    site = Site(
        {
            "PATH": os.environ["PATH"],
            "ENV_FILE": os.devnull,
            "SECRET_KEY": "a-secret-key-that-is-known-to-everybody-who-reads-the-tests",
            "DATABASE_URL": postgresql,
            "REDIRECTION_CLOUDS": json.dumps(REDIRECTION_CLOUDS),
            "REDIRECTION_FEEDBACK_PER_PERSON": str(PER_PERSON),
            "REDIRECTION_FEEDBACK_PER_TENANT": str(PER_TENANT),
            "STATIC_ROOT": str(tmp_path / "static"),
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "LOG_LEVEL": "ERROR",
        },
        free_port(),
        free_port(),
    )
    site.manage("migrate", "--verbosity=0")
    site.manage("collectstatic", "--noinput", "--verbosity=0")
    site.sessions = json.loads(site.manage("shell", "--verbosity=0", "-c", PREPARE))
    with ExitStack() as running:
        running.enter_context(site.process("pages", site.pages))
        running.enter_context(site.process("gate", site.gate))
        yield site


@dataclass
class Figures:
    """Answers and how long they took, by what was asked."""

    answers: defaultdict[str, Counter[object]] = field(default_factory=lambda: defaultdict(Counter))
    took: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def __str__(self) -> str:
        lines = []
        for name, answers in self.answers.items():
            times = sorted(self.took[name])
            at = [times[int(len(times) * part)] * 1000 for part in (0.5, 0.99)]
            shown = ", ".join(f"{status}: {number}" for status, number in answers.items())
            lines.append(f"{name}: {shown}; median {at[0]:.0f} ms, p99 {at[1]:.0f} ms")
        return "\n".join(lines)


def ask(
    port: int, method: str, path: str, headers: dict[str, str], body: bytes = b""
) -> tuple[int, Message, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        # What refuses a long body unread may have closed before all of it was sent.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.request(method, path, body, {**PAGE_LOAD, **headers})
        answer = connection.getresponse()
        content = answer.read().decode()
        return answer.status, answer.msg, content
    finally:
        connection.close()


def multipart(fields: list[tuple[str, bytes]], file: bytes | None = None) -> bytes:
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()
        + value
        + b"\r\n"
        for name, value in fields
    ]
    if file is not None:
        head = 'name="screenshot"; filename="a.png"\r\nContent-Type: image/png'
        parts.append(
            f"--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode()
            + file
            + b"\r\n"
        )
    return b"".join([*parts, f"--{BOUNDARY}--\r\n".encode()])


def hostile() -> dict[str, tuple[list[tuple[str, bytes]], bytes | None]]:
    """What is sent beside the usual fields: others, and a file."""
    large = picture(size=(6_000, 6_000))
    return {
        "polyglot": ([], picture() + b"<script>alert(1)</script>PK\x05\x06" + bytes(18)),
        "bomb": ([], bomb(50_000, 50_000)),
        "broken large picture": ([], large[: len(large) * 9 // 10]),
        "wrong type": ([], SVG),
        "null character": ([("text", b"a\0b")], None),
        "no utf-8": ([("text", b"\xff\xfe\xc3(")], None),
        "wrong kind": ([("kind", b"gone")], None),
        "many fields": ([("x", b"1")] * 100_000, None),
        "50 MB": ([], b"\x89PNG\r\n\x1a\n" + bytes(50_000_000)),
    }


HOST = {"Host": "security.localhost"}
USUAL = [("kind", b"missing"), ("page", b"/audits"), ("rating", b"")]


class Load:
    """Posts by ``people``, and beside them legacy page loads and the settings page."""

    def __init__(self, site: Site, people: list[str]) -> None:
        self.site = site
        self.people = people
        self.figures = Figures()
        self.hostile = hostile()
        self.often = [name for name in self.hostile if name not in ("50 MB", "many fields")]
        self.tokens = {session: self._token(session) for session in people}
        self._lock = threading.Lock()

    def run(self, seconds: float, posts: int) -> Figures:
        """So many posts a second."""
        streams: list[tuple[Callable[[int], None], float, int]] = [
            (self.post, posts, 48),
            (partial(self.legacy, "legacy page, gate", self.site.gate), 20, 8),
            (partial(self.legacy, "legacy page, pages", self.site.pages), 20, 16),
            (self.settings, 2, 8),
        ]
        began = time.monotonic() + 0.2
        with ThreadPoolExecutor(sum(threads for *_, threads in streams)) as pool:
            jobs = [
                pool.submit(_paced, what, numbers, rate, began, seconds)
                for what, rate, threads in streams
                for numbers in [count()] * threads
            ]
            for job in jobs:
                job.result()
        return self.figures

    def post(self, number: int) -> None:
        session = self.people[number % len(self.people)]
        token, cookie = self.tokens[session]
        name = self._name(number)
        words = ([("text", f"Report {number}".encode())], None)
        fields, file = self.hostile.get(name, words)
        body = multipart([("csrfmiddlewaretoken", token), *USUAL, *fields], file)
        headers = {
            "Cookie": f"portal_session={session}; portal_csrf={cookie}",
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
            **HOST,
        }
        self._timed(name, lambda: _judged(ask(self.site.pages, "POST", FORM, headers, body)))

    def legacy(self, name: str, port: int, number: int) -> None:
        def answered() -> str:
            status, headers, _ = ask(
                port, "GET", f"/alerts?n={number}", {"Host": "contoso.portal.localhost"}
            )
            right = headers.get("location", "").startswith("http://security.localhost/")
            return f"{status}, right" if right else f"{status}, wrong"

        self._timed(name, answered)

    def settings(self, _: int) -> None:
        cookies = {"Cookie": f"portal_session={self.site.sessions[0]}", **HOST}
        self._timed("settings page", lambda: ask(self.site.pages, "GET", SETTINGS, cookies)[0])

    def _name(self, number: int) -> str:
        if number % 200 == 199:
            return "50 MB"
        if number % 100 == 50:
            return "many fields"
        return self.often[number // 2 % len(self.often)] if number % 2 else "report"

    def _timed(self, name: str, answered: Callable[[], object]) -> None:
        began = time.monotonic()
        try:
            answer = answered()
        except (OSError, HTTPException) as error:
            answer = repr(error)
        with self._lock:
            self.figures.answers[name][answer] += 1
            self.figures.took[name].append(time.monotonic() - began)

    def _token(self, session: str) -> tuple[bytes, str]:
        cookies = {"Cookie": f"portal_session={session}", **HOST}
        _, headers, form = ask(self.site.pages, "GET", FORM, cookies)
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
        cookie = re.search(r"portal_csrf=(\w+)", str(headers.get_all("Set-Cookie")))
        assert token
        assert cookie
        return token[1].encode(), cookie[1]


def _judged(answer: tuple[int, Message, str]) -> int:
    status, headers, content = answer
    if status == HTTPStatus.FOUND:
        assert re.fullmatch(rf"{FORM}/\d+", headers["Location"])
    else:
        assert "<h1>" in content
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        assert 1 <= int(headers["Retry-After"]) <= 3600
    return status


def _paced(
    what: Callable[[int], None], numbers: Iterator[int], rate: float, began: float, seconds: float
) -> None:
    """What one of several threads does: the next of them all when it is due."""
    # Taking the next of ``count`` is one step for all threads.
    for number in numbers:
        due = began + number / rate
        if max(due, time.monotonic()) > began + seconds:
            return
        time.sleep(max(0.0, due - time.monotonic()))
        what(number)


@pytest.mark.long
def test_posts_without_end_are_refused_and_the_rest_goes_on(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    for people in (site.sessions[1:2], site.sessions[2:]):
        figures = Load(site, people).run(seconds=10, posts=200)
        stored, most, counted, pictures = json.loads(
            site.manage("shell", "--verbosity=0", "-c", STORED)
        )
        with capsys.disabled():
            sys.stdout.write(f"\n{len(people)} of one tenant send:\n{figures}\n")
            sys.stdout.write(f"Stored: {stored} reports, {pictures} pictures\n")
        answers = dict(figures.answers)
        assert set(answers.pop("settings page")) == {HTTPStatus.OK}
        for name in ("legacy page, gate", "legacy page, pages"):
            assert set(answers.pop(name)) == {"302, right"}
        for name, found in answers.items():
            assert set(found) <= {*REFUSALS, HTTPStatus.FOUND}, name
        assert sum(found[HTTPStatus.TOO_MANY_REQUESTS] for found in answers.values()) > 100
        assert most == PER_PERSON
        assert stored == counted <= PER_TENANT
