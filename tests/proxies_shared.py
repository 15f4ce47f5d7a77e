"""One site, and each shipped proxy in front of it, for all tests that leave them as they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.proxies import PROXIES, Proxy, proxy
from tests.proxies_programs import ports
from tests.proxies_site import Site, site_and_portal


@pytest.fixture(scope="session")
def proxied_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Contoso is redirected, fabrikam is not."""
    with site_and_portal(tmp_path_factory.mktemp("site")) as site:
        yield site


class _Fronts(dict[str, Proxy]):
    """The proxies by name, each started when it is first asked for."""

    def __init__(self, site: Site, directory: Path, stack: ExitStack) -> None:
        self._site, self._directory, self._stack = site, directory, stack

    def __missing__(self, name: str) -> Proxy:
        directory = self._directory / name
        directory.mkdir()
        self[name] = self._stack.enter_context(proxy(name, self._site, directory))
        return self[name]


@pytest.fixture(scope="session")
def shared_fronts(
    proxied_site: Site, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Proxy]]:
    with ExitStack() as stack:
        yield _Fronts(proxied_site, tmp_path_factory.mktemp("fronts"), stack)


@pytest.fixture(params=sorted(PROXIES))
def front(request: pytest.FixtureRequest, shared_fronts: dict[str, Proxy]) -> Proxy:
    """Each of the proxies, in front of a gate that works."""
    return shared_fronts[request.param]


@contextmanager
def own_gate(site: Site, **variables: str) -> Iterator[Site]:
    """``site`` with another gate on the same store, for a test that ends or changes it.

    ``variables`` are those that it has beside the site's own.
    """
    own = replace(site, port=ports(1)[0], variables={**site.variables, **variables}, process=None)
    try:
        own.start()
        own.wait_until_ready()
        yield own
    finally:
        own.stop()


@contextmanager
def new_fronts(site: Site, directory: Path) -> Iterator[dict[str, Proxy]]:
    """All of the proxies, just started."""
    with ExitStack() as stack:
        fronts = _Fronts(site, directory, stack)
        yield {name: fronts[name] for name in PROXIES}
