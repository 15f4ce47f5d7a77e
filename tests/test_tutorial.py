"""docs/tutorial.md, word for word: each file written, each command run, each answer compared.

Only the port is another one where 8000 may be taken. Packages come from a folder instead of the
network, and it holds what the app says it needs and nothing else.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import ZipFile

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import PATIENCE
from tests.demo_process import free_port
from tests.wheelhouse import ROOT, build_wheel, needed_by, pack

pytestmark = pytest.mark.long

TEXT = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
BLOCK = re.compile(
    r"(?P<before>[^\n]*)\n\n```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
FILE = re.compile(r"^(Write|Add to the end of) `([^`]+)`:$")


@dataclass
class Shell:
    """Runs blocks one after the other, each in the environment that the last one left."""

    folder: Path
    port: int
    environment: dict[str, str]
    server: subprocess.Popen[bytes] | None = None
    printed: str = ""
    ran: list[str] = field(default_factory=list)

    def run(self, commands: str) -> None:
        if "runserver" in commands:
            self._serve(commands)
            return
        left = self.folder.parent / "environment"
        script = f"{commands}env -0 > '{left}'\n"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], cwd=self.folder, env=self.environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
        pairs = left.read_bytes().decode().split("\0")
        self.environment = dict(pair.split("=", 1) for pair in pairs if pair)
        self.printed = done.stdout
        self.ran.append(commands)

    def _serve(self, command: str) -> None:
        # What it prints is of no interest, and nobody would empty a pipe.
        self.server = subprocess.Popen(
            ["bash", "-c", f"exec {command}"], cwd=self.folder, env=self.environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        address = f"http://new.localhost:{self.port}/new/orders"
        for _ in range(120):
            asked = subprocess.run(["curl", "-s", address], capture_output=True, check=False)
            if asked.returncode == 0:
                return
            time.sleep(0.25)
        pytest.fail("The server of the tutorial does not answer.")

    def stop(self) -> None:
        if self.server is not None:
            # The server and the process that watches its files.
            os.killpg(self.server.pid, signal.SIGTERM)
            self.server.wait()


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """An empty directory with the wheel in it, and no other packages than it needs."""
    place = tmp_path_factory.mktemp("tutorial")
    folder, packages, tools = place / "empty", place / "packages", place / "tools"
    for made in (folder, packages, tools, place / "wheel"):
        made.mkdir()
    shutil.copy(build_wheel(place / "wheel"), folder)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for package in needed_by(project["dependencies"]).values():
        pack(package, packages)
    (tools / "python3").symlink_to(Path(sys.executable).resolve())
    shell = Shell(
        folder,
        free_port(),
        {
            "PATH": f"{tools}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(place),
            "LANG": "C.UTF-8",
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(packages),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_COMPILE": "1",
        },
    )
    yield shell
    shell.stop()


@pytest.fixture(scope="module")
def done(shell: Shell) -> Shell:
    """The tutorial up to its last shell command."""
    for block in BLOCK.finditer(TEXT):
        text = block["text"].replace("8000", str(shell.port))
        file = FILE.match(block["before"])
        if file is not None:
            with (shell.folder / file[2]).open("a" if file[1].startswith("Add") else "w") as opened:
                opened.write(text)
        elif block["kind"] == "sh":
            shell.run(text)
        else:
            assert block["kind"] == "text", block["before"]
            assert shell.printed == text, shell.ran[-1]
    return shell


def test_the_tutorial_does_what_it_says(done: Shell) -> None:
    assert done.server is not None
    assert done.server.poll() is None
    said = TEXT.count("\n```sh\n")
    # All but the one that serves; other tests run more in the same shell.
    assert len(done.ran) >= said - 1


def test_the_wheel_holds_every_file_of_the_app_and_no_other(shell: Shell) -> None:
    (wheel,) = shell.folder.glob("*.whl")
    with ZipFile(wheel) as opened:
        held = {name for name in opened.namelist() if ".dist-info/" not in name}
    files = (path for path in (ROOT / "redirection").rglob("*") if path.is_file())
    own = {str(path.relative_to(ROOT)) for path in files if path.suffix not in (".pyc", ".po")}
    assert held == own


def test_nothing_of_the_site_is_there(done: Shell) -> None:
    asks = (
        "from importlib.util import find_spec; print([name for name in "
        "('portal', 'environ', 'csp', 'social_core', 'social_django', 'whitenoise', 'psycopg') "
        "if find_spec(name)])"
    )
    done.run(f'python -c "{asks}"\n')
    assert done.printed == "[]\n"


def test_the_project_uses_nothing_that_django_is_about_to_drop(done: Shell) -> None:
    strict = "-W error::DeprecationWarning -W error::PendingDeprecationWarning"
    done.run(f"python {strict} manage.py check\npython {strict} manage.py migrate --check\n")


def test_a_translated_page_comes_from_the_wheel(done: Shell) -> None:
    code = (
        "from django.utils import translation; translation.activate('de'); "
        "print(translation.gettext('Automatic redirection'))"
    )
    done.run(f'python manage.py shell --no-imports -c "{code}"\n')
    assert done.printed == "Automatische Umleitung\n"


def switch(page: Page, wanted: str) -> None:
    page.get_by_role("switch").click()
    page.get_by_label("Kind of reason").select_option("trial")
    page.locator("[name=reason]").fill("A try")
    page.get_by_role("button", name=f"Switch {wanted}").click()
    expect(page.get_by_role("switch", checked=wanted == "on")).to_be_visible()


def test_the_tabs_of_a_browser_do_as_the_last_section_says(done: Shell, chromium: Browser) -> None:
    context = chromium.new_context()
    context.set_default_timeout(PATIENCE)
    old = context.new_page()
    old.goto(f"http://contoso.portal.localhost:{done.port}/orders")
    expect(old.get_by_text("Old portal is moving to New portal")).to_be_visible()
    settings = context.new_page()
    settings.goto(f"http://new.localhost:{done.port}/cloudapps/settings")
    settings.get_by_label("Username").fill("ada")
    settings.get_by_label("Password").fill("only-for-this-tutorial")
    settings.get_by_role("button", name="Log in").click()
    switch(settings, "on")
    # Which may take a moment.
    expect(settings.locator("#receipt-sentence")).to_contain_text("is served by 1 of 1 worker")
    old.reload()
    expect(old.get_by_text("Your work here goes on")).to_be_visible()
    with context.expect_page() as opened:
        old.get_by_role("link", name="Orders in a new tab").click()
    opened.value.wait_for_url(f"http://new.localhost:{done.port}/new/orders")
    switch(settings, "off")
    context.close()
