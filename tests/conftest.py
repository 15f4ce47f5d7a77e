"""People with a purpose, their tenants, and browsers on both portals."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from uuid import UUID, uuid5

import hypothesis
import pytest
from django.test import Client
from django.utils import translation

from portal.models import Person
from redirection import switches, tallies, traffic
from redirection.models import Channel, LocalRole, RoleSnapshot, Tenant
from redirection.roles import (
    CLOUD_APP_SECURITY_ADMINISTRATOR,
    GLOBAL_READER,
    ORDINARY_MEMBER,
    LocalRoleName,
)
from tests.browser import chromium, context, demo, hasty_demo, off, page
from tests.proxies_shared import front, proxied_site, shared_fronts

__all__ = [
    "chromium",
    "context",
    "demo",
    "front",
    "hasty_demo",
    "off",
    "page",
    "proxied_site",
    "shared_fronts",
]

# What Chromium sends when a person opens a page.
PAGE_LOAD = {
    "accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "sec-fetch-dest": "document",
    "sec-fetch-mode": "navigate",
    "sec-fetch-site": "none",
    "sec-fetch-user": "?1",
}

MakePerson = Callable[..., Person]
Switch = Callable[[Tenant, str], None]

# ``make test-long EXAMPLES=...`` asks the same questions far more often.
hypothesis.settings.register_profile("quick", deadline=None)
hypothesis.settings.register_profile(
    "long", deadline=None, max_examples=int(os.environ.get("EXAMPLES", "5000"))
)
hypothesis.settings.load_profile("quick")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A skipped test proves nothing, so a run with one has failed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    # Only the process that the others report to has one.
    if reporter is None or session.exitstatus != pytest.ExitCode.OK:
        return
    if reporter.stats.keys() & {"skipped", "xfailed"}:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    """A failed run says why, and how to repeat its order."""
    if terminalreporter.stats.keys() & {"skipped", "xfailed"}:
        terminalreporter.write_line("Skipped tests and expected failures count as failed.")
    seed = getattr(config.option, "randomly_seed", None)
    if exitstatus != pytest.ExitCode.OK and seed is not None:
        terminalreporter.write_line(f"Same order: -n 0 --randomly-seed={seed}")


@pytest.fixture(autouse=True)
def nothing_held() -> Iterator[None]:
    """Each test begins in a worker that has neither read the settings yet nor counted.

    Nor answered in anybody's language: Django leaves that of the last request in the thread.
    """
    translation.deactivate()
    switches.forget()
    traffic.forget()
    tallies.forget()
    yield
    switches.forget()


@pytest.fixture
def contoso(db: None) -> Tenant:
    return _tenant("contoso", "Contoso", UUID("11111111-1111-4111-8111-111111111111"))


@pytest.fixture
def fabrikam(db: None) -> Tenant:
    return _tenant("fabrikam", "Fabrikam", UUID("22222222-2222-4222-8222-222222222222"))


@pytest.fixture
def person(db: None) -> MakePerson:
    """Makes a person: ``person(contoso, "Ada", roles=[GLOBAL_READER], local=...)``."""

    def make(
        tenant: Tenant,
        name: str = "Somebody",
        *,
        roles: Iterable[str] = (),
        local: LocalRoleName | None = None,
    ) -> Person:
        somebody = Person.objects.create_user(
            f"{tenant.tid}:{uuid5(tenant.tid, name)}", display_name=name
        )
        RoleSnapshot.objects.create(
            person=somebody, tenant=tenant, directory_roles=[*roles, ORDINARY_MEMBER]
        )
        if local is not None:
            LocalRole.objects.create(person=somebody, tenant=tenant, role=local)
        return somebody

    return make


@pytest.fixture
def ada(contoso: Tenant, person: MakePerson) -> Person:
    """Ada may switch."""
    return person(contoso, "Ada", roles=[CLOUD_APP_SECURITY_ADMINISTRATOR])


@pytest.fixture
def rita(contoso: Tenant, person: MakePerson) -> Person:
    """Rita may look."""
    return person(contoso, "Rita", roles=[GLOBAL_READER])


@pytest.fixture
def otto(contoso: Tenant, person: MakePerson) -> Person:
    """Otto may do neither."""
    return person(contoso, "Otto")


@pytest.fixture
def switch() -> Switch:
    """Switches a tenant, and this worker knows at once: ``switch(contoso, "on")``."""

    def to(tenant: Tenant, wanted: str) -> None:
        tenant.switch_redirection(
            wanted,
            reason_kind="trial",
            reason="The test asks for it",
            channel=Channel.COMMAND,
            operator="a test",
        )
        # Changes reach the worker when a transaction commits; a test's never does.
        switches.refresh()

    return to


@pytest.fixture
def legacy() -> Client:
    """A browser that opens pages of contoso's legacy portal."""
    return Client(headers={"host": "contoso.portal.localhost", **PAGE_LOAD})


@pytest.fixture
def destination() -> Client:
    """A browser that opens pages of the destination."""
    return Client(headers={"host": "security.localhost", **PAGE_LOAD})


def _tenant(name: str, title: str, tid: UUID) -> Tenant:
    tenant = Tenant(tid=tid, name=name, title=title)
    tenant.provision(reason="The test asks for it", channel=Channel.COMMAND, operator="a test")
    switches.refresh()
    return tenant
