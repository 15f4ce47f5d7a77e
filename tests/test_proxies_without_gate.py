"""Without a gate every request is answered: by what it last said, or by the portal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus

import pytest

from tests.proxies import PATIENCE, PROXIES, Proxy
from tests.proxies_exchange import Answer
from tests.proxies_load import load
from tests.proxies_shared import new_fronts, own_gate
from tests.proxies_site import Site
from tests.proxies_visitors import BEEN_HERE, KEEPS_ANSWERS, both_tenants

CONTOSO = BEEN_HERE["contoso"]


@dataclass
class Left:
    """A proxy that the gate has left, and what it said before: go, and a first visit."""

    front: Proxy
    went: Answer
    first_visit: Answer


@pytest.fixture(scope="module", params=["killed", "hung"])
def all_left(
    request: pytest.FixtureRequest, proxied_site: Site, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Left]]:
    directory = tmp_path_factory.mktemp("fronts")
    with own_gate(proxied_site) as site, new_fronts(site, directory) as fronts:
        left = {}
        for name, front in fronts.items():
            # Each page that is asked for later, so that there is an answer to every one.
            load(front.port, site.tls, both_tenants(front, 40))
            went = front.ask("/alerts?asked", Cookie=CONTOSO)
            left[name] = Left(front, went, front.ask("/alerts?cookie", host="fabrikam"))
        if request.param == "killed":
            site.stop()
        else:
            site.freeze()
        yield left


@pytest.fixture(params=sorted(PROXIES))
def left(request: pytest.FixtureRequest, all_left: dict[str, Left]) -> Left:
    return all_left[request.param]


def test_the_portal_answers_a_browser_never_seen(left: Left) -> None:
    for _ in range(5):
        answer = left.front.ask("/alerts")
        assert answer.status == HTTPStatus.OK
        assert b"This is the portal of contoso" in answer.body
        assert answer.seconds < PATIENCE


def test_a_body_arrives(left: Left) -> None:
    answer = left.front.ask("/save", method="POST", body=b"a" * 300_000)

    assert (answer.status, answer.saw["body"][0]) == (HTTPStatus.SEE_OTHER, 300_000)
    assert answer.seconds < PATIENCE


def test_what_the_gate_last_said_counts(left: Left) -> None:
    assert left.went.status == HTTPStatus.FOUND

    now = left.front.ask("/alerts?asked", Cookie=CONTOSO)

    if left.front.name in KEEPS_ANSWERS:
        assert now.status == HTTPStatus.FOUND
        assert now.get("Location") == left.went.get("Location")
        assert now.get("Redirection-Decision") == f"{left.went.get('Redirection-Decision')};stale"
    else:
        assert now.status == HTTPStatus.OK


def test_it_counts_for_the_very_same_request_alone(left: Left) -> None:
    ask, origin = left.front.ask, left.front.site.destination
    other = {
        "another page": ask("/alerts?other", Cookie=CONTOSO),
        "another session": ask("/alerts?asked", Cookie=f"{CONTOSO}; portal=1"),
        "another tenant": ask("/alerts?asked", host="fabrikam", Cookie=CONTOSO),
        "another method": ask("/alerts?asked", method="POST", Cookie=CONTOSO),
        "no page load": ask("/alerts?asked", Sec_Fetch_Mode="cors", Cookie=CONTOSO),
        "sent back": ask("/alerts?asked", Referer=origin, Cookie=CONTOSO),
        "a prefetch": ask("/alerts?asked", Sec_Purpose="prefetch", Cookie=CONTOSO),
    }

    assert {why: answer.status for why, answer in other.items()} == dict.fromkeys(
        other, HTTPStatus.OK
    )


def test_an_answer_with_a_cookie_is_never_given_again(left: Left) -> None:
    assert len(left.first_visit.all("Set-Cookie")) == 2

    assert not left.front.ask("/alerts?cookie", host="fabrikam").all("Set-Cookie")


@pytest.mark.parametrize("requests", [500, pytest.param(10_000, marks=pytest.mark.long)])
def test_no_answer_is_ever_that_of_the_other_tenant(left: Left, requests: int) -> None:
    front = left.front
    found = load(front.port, front.site.tls, both_tenants(front, requests), connections=32)

    assert not found.wrong
    assert sum(found.kinds.values()) == requests
    if front.name in KEEPS_ANSWERS:
        assert found.kinds == {"302": requests // 2, "200": requests // 2}
    else:
        assert found.kinds == {"200": requests}
