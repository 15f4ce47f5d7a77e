"""The app in a project that is not ours: other people, sessions, doors and middleware stacks."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.conftest import PAGE_LOAD
from tests.demo_process import ROOT, free_port

TID = "11111111-1111-4111-8111-111111111111"
PASSWORD = "only-for-this-test"
SETTINGS = "/cloudapps/settings"
# Nothing that Django is about to drop.
STRICT = ["-W", "error::DeprecationWarning", "-W", "error::PendingDeprecationWarning"]
OLD, NEW = "contoso.portal.localhost", "new.localhost"
PREPARE = f"""
import django; django.setup()
from django.contrib.auth import get_user_model
from django.core.management import call_command
call_command("migrate", verbosity=0)
user = get_user_model()
for name, more in {{"ada": {{}}, "root": {{"is_superuser": True}}}}.items():
    named = {{user.USERNAME_FIELD: f"{{name}}@example.com"}}
    person = user(**named, is_staff=True, **more)
    person.set_password({PASSWORD!r})
    person.save()
call_command("add_tenant", "contoso", {TID!r}, reason="a test")
for name, role in (("ada", "global_administrator"), ("root", "compliance_administrator")):
    call_command("give_local_role", "contoso", f"{{name}}@example.com", role, reason="a test")
"""


@dataclass
class Host:
    """The project on a port; a stay or a move is read from one answer."""

    port: int
    environment: dict[str, str]

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *STRICT, "-m", "django", *words],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip


@dataclass
class Visitor:
    """A browser: its cookies stay with the host that set them."""

    host: Host
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)

    def ask(self, name: str, path: str, data: dict[str, str] | None = None) -> requests.Response:
        own = self.cookies.setdefault(name, {})
        sent = "; ".join(f"{key}={value}" for key, value in own.items())
        answer = requests.request(
            "GET" if data is None else "POST",
            f"http://127.0.0.1:{self.host.port}{path}",
            headers={
                **PAGE_LOAD,
                "Host": name,
                # No browser sends an empty one.
                **({"Cookie": sent} if sent else {}),
            },
            data=data,
            allow_redirects=False,
            timeout=60,
        )
        own.update(answer.cookies.get_dict())
        return answer

    def send(self, path: str, page: str, **typed: str) -> requests.Response:
        """Fill in the first form of ``page`` that posts, hidden fields included, and send it."""
        # The last form is the one of the page, not of the frame around it.
        form = re.findall(r'<form[^>]*method="post".*?</form>', page, re.DOTALL)[-1]
        hidden = re.findall(r'<input type="hidden" name="([^"]+)"(?: value="([^"]*)")?', form)
        return self.ask(NEW, path, {**dict(hidden), **typed})

    def sign_in(self, name: str) -> None:
        page = self.ask(NEW, f"/admin/login/?next={SETTINGS}")
        answer = self.send(
            "/admin/login/", page.text, username=f"{name}@example.com", password=PASSWORD
        )
        assert answer.headers["Location"] == SETTINGS

    def switch(self, wanted: str) -> requests.Response:
        page = self.ask(NEW, f"{SETTINGS}?confirm={wanted}")
        forms = re.findall(r"<form[^>]*switch-redirection.*?</form>", page.text, re.DOTALL)
        # Whoever may not switch is shown no form, and can still send one.
        own = forms[0] if forms else self._borrowed(page.text, wanted)
        typed = {"reason_kind": "trial", "reason": "a test", "wanted": wanted}
        return self.send(f"{SETTINGS}/switch-redirection", own, **typed)

    def _borrowed(self, page: str, wanted: str) -> str:
        token = self.cookies[NEW]["csrftoken"]
        fields = {"csrfmiddlewaretoken": token, "tid": TID, "seen_revision": "1"}
        inputs = [f'<input type="hidden" name="{k}" value="{v}">' for k, v in fields.items()]
        return f'<form method="post">{"".join(inputs)}</form>'


def serve(folder: Path, door: str, **variables: str) -> Iterator[Host]:
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "tests.host_project.settings",
        "HOST_DATABASE": str(folder / "host.sqlite3"),
        "TMPDIR": str(folder),
        **variables,
    }
    host = Host(port, environment)
    subprocess.run(
        [sys.executable, *STRICT, "-c", PREPARE],
        cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    # Django has no lifespan.
    interface = "asginl" if door == "asgi" else door
    command = [
        sys.executable,
        *STRICT,
        "-m",
        "granian",
        "--interface",
        interface,
        "--port",
        str(port),
    ]
    command += ["--host", "127.0.0.1", f"tests.host_project.{door}:application"]
    log = (folder / "log").open("w")
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        wait_for(host)
        yield host
    finally:
        process.terminate()
        process.wait()
        log.close()
        shown = (folder / "log").read_text()
        assert "Traceback" not in shown, shown


def wait_for(host: Host) -> None:
    for _ in range(120):
        try:
            requests.get(f"http://127.0.0.1:{host.port}/", headers={"Host": NEW}, timeout=5)
        except requests.ConnectionError:
            time.sleep(0.25)
        else:
            return
    pytest.fail("The server does not answer.")


KINDS = {
    "asgi, signed cookies, Django's user": ("asgi", {"HOST_SESSIONS": "signed_cookies"}),
    "wsgi, files, Django's user": ("wsgi", {"HOST_SESSIONS": "file"}),
    "asgi, cached, a user of its own": (
        "asgi",
        {"HOST_SESSIONS": "cached_db", "HOST_USER": "members.Member"},
    ),
}


@pytest.fixture(scope="module", params=KINDS)
def host(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Host]:
    door, variables = KINDS[request.param]
    yield from serve(tmp_path_factory.mktemp("host"), door, **variables)


# What no door has a part in.
ANY_HOST = pytest.mark.parametrize("host", list(KINDS)[:1], indirect=True)


def moves(answer: requests.Response) -> bool:
    return answer.status_code == HTTPStatus.FOUND


def until(host: Host, wanted: str) -> None:
    """Wait until the worker serves it: somebody new goes, or stays."""
    for _ in range(100):
        if moves(Visitor(host).ask(OLD, "/audits")) == (wanted == "on"):
            return
        time.sleep(0.1)
    pytest.fail(f"The worker does not serve {wanted}.")


def test_the_project_is_complete(host: Host) -> None:
    done = host.command("check")
    assert done.stdout == "System check identified no issues (0 silenced).\n", done.stderr


def test_an_admin_switches_and_people_follow_as_promised(host: Host) -> None:
    ada, at_work = Visitor(host), Visitor(host)
    page = at_work.ask(OLD, "/audits")
    assert page.status_code == HTTPStatus.OK
    assert "Old portal is moving to New portal" in page.text
    ada.sign_in("ada")
    assert ada.switch("on").status_code == HTTPStatus.FOUND
    until(host, "on")
    someone = Visitor(host).ask(OLD, "/audits?activity.id=eq(X,)")
    assert moves(someone)
    assert someone.headers["Location"].startswith(f"http://{NEW}/")
    assert someone.headers["Cache-Control"] == "no-store"
    stays = at_work.ask(OLD, "/audits")
    assert stays.status_code == HTTPStatus.OK
    assert "Your work here goes on" in stays.text
    history = ada.ask(NEW, f"{SETTINGS}/redirection-history").text
    assert "ada@example.com" in history
    assert ada.switch("off").status_code == HTTPStatus.FOUND
    until(host, "off")


def test_a_superuser_has_what_their_role_gives_and_no_more(host: Host) -> None:
    root = Visitor(host)
    root.sign_in("root")
    page = root.ask(NEW, SETTINGS)
    assert page.status_code == HTTPStatus.OK
    assert "You can see this setting, not switch it." in page.text
    assert root.switch("on").status_code == HTTPStatus.FORBIDDEN
    assert not moves(Visitor(host).ask(OLD, "/audits"))


def test_every_middleware_runs_as_the_door_does(host: Host) -> None:
    door = "sync" if "file" in host.environment["HOST_SESSIONS"] else "async"
    assert Visitor(host).ask(OLD, "/").headers["Passed-On"] == door


@pytest.mark.parametrize("name", [OLD, NEW])
def test_whoever_is_not_signed_in_sees_no_error_and_nothing_of_an_organisation(
    host: Host, name: str
) -> None:
    """The project has no middleware that asks for a sign-in: each page asks for itself."""
    for path in PATHS:
        answer = Visitor(host).ask(name, path)
        assert answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR, path
        assert "Compliance administrator" not in answer.text, path


PATHS = [
    SETTINGS,
    *(f"{SETTINGS}/{page}" for page in (
        "switch-redirection", "receipt", "redirection-history", "redirection-history/export",
        "try-link", "step-back", "switch-step-back",
    )),
    "/cloudapps/permissions/roles",
    "/cloudapps/permissions/roles/give-local-role",
    *(f"/redirection/{page}" for page in (
        "step-back", "hand-over", "go", "explain", "way-back", "feedback", "feedback/1", "here",
        "page-seen", "close-banner", "end-step-back",
    )),
]  # fmt: skip


@ANY_HOST
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["contoso", "nobody", "none", "--reason", "x"], "No user is named 'nobody'."),
        (["contoso", "ada@example.com", "king", "--reason", "x"], "Choose a role ("),
        (["contoso", "root@example.com", "none"], "Say why, in a few words."),
    ],
)
def test_a_wrong_word_of_the_command_is_one_line(host: Host, words: list[str], said: str) -> None:
    done = host.command("give_local_role", *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


@ANY_HOST
def test_no_migration_is_missing(host: Host) -> None:
    done: Any = host.command("makemigrations", "--check", "--dry-run", "redirection")
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_module_of_the_app_names_the_site() -> None:
    named = re.compile(
        r"^\s*(from|import) (portal|csp|environ|social_\w+|whitenoise)\b", re.MULTILINE
    )
    modules = (ROOT / "redirection").rglob("*.py")
    assert [str(path) for path in modules if named.search(path.read_text("utf-8"))] == []
