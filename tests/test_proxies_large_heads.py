"""However much a client writes into a head, the gate goes on deciding for everybody."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from tests.proxies import Proxy
from tests.proxies_visitors import BEEN_HERE

# All that the gate is told beside the cookies, and no decision rests on its beginning.
FILLED = ("Accept", "Purpose", "Referer", "Sec-Purpose", "X-Moz", "X-Purpose")
# Kilobytes for each of them, beside cookies of 30 kB: what the proxy takes in all.
FILLINGS = {"caddy": 30, "haproxy": 1, "nginx": 30}


def test_a_long_address_with_many_cookies_goes_like_any_other(front: Proxy) -> None:
    cookie = f"{BEEN_HERE['contoso']}; portal={'c' * 30_000}"
    answers = [
        front.ask(f"/alerts?n={number}&f={'p' * 12_000}", Cookie=cookie) for number in range(4)
    ]

    assert [answer.status for answer in answers] == [HTTPStatus.FOUND] * 4
    assert all("p" * 12_000 in answer.get("Location") for answer in answers)
    assert front.ask("/alerts").status == HTTPStatus.FOUND


@pytest.mark.parametrize("cookie", [BEEN_HERE["contoso"], "somebody=new"])
def test_a_head_that_is_full_switches_nothing_off(front: Proxy, cookie: str) -> None:
    filling = "f" * (FILLINGS[front.name] * 1_000)
    more = tuple(f"{name}: text/html,{filling}" for name in FILLED)
    full = [
        front.ask(
            f"/alerts?{number}",
            Cookie=f"{cookie}; portal={'c' * 30_000}",
            more=more,
            Accept="",
            Referer="",
        )
        for number in range(4)
    ]

    # Refused by the proxy, or answered.
    assert {answer.status for answer in full} <= {200, 302, 400, 431, 503}
    others = [front.ask(f"/alerts?{number}").status for number in range(4)]
    assert others == [HTTPStatus.FOUND] * 4


def test_many_headers_switch_nothing_off(front: Proxy) -> None:
    more = tuple(f"X-Header-{number}: a" for number in range(150))
    many = [front.ask(f"/alerts?{number}", more=more) for number in range(4)]

    assert {answer.status for answer in many} <= {200, 302, 400, 431}
    assert front.ask("/alerts").status == HTTPStatus.FOUND
