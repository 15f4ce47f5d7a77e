"""Nothing that a client writes into its request changes what is decided about it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http import HTTPStatus

import pytest

from tests.demo_process import ROOT
from tests.proxies import Proxy
from tests.proxies_exchange import KEY, PAGE_LOAD as HEADERS, Answer, exchange, request as written
from tests.proxies_site import TENANTS
from tests.proxies_visitors import running_session

# Either host may stand anywhere: the other tenant's mode would show.
OTHER = {"contoso": "fabrikam.portal.localhost", "fabrikam": "contoso.portal.localhost"}
# A request that HTTP forbids may be refused, but not answered for somebody else.
REFUSED = {HTTPStatus.BAD_REQUEST, HTTPStatus.MISDIRECTED_REQUEST}

FORWARDED = {
    "X-Forwarded-Host": "{other}",
    "X-Forwarded-Server": "{other}",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Scheme": "http",
    "X-Forwarded-Protocol": "http",
    "X-Forwarded-Ssl": "off",
    "X-Forwarded-Port": "80",
    "X-Forwarded-For": "127.0.0.1",
    "X-Forwarded-Method": "POST",
    "X-Forwarded-Uri": "/api/v1",
    "X-Forwarded-Prefix": "/api",
    "X-Forwarded-Path": "/api/v1",
    "X-Original-Host": "{other}",
    "X-Original-URL": "/api/v1",
    "X-Original-URI": "/api/v1",
    "X-Original-Method": "POST",
    "X-Rewrite-URL": "/api/v1",
    "X-Real-IP": "127.0.0.1",
    "X-Host": "{other}",
    "X-HTTP-Method-Override": "POST",
    "X-HTTP-Host-Override": "{other}",
    "X-Method-Override": "POST",
    "X-Script-Name": "/api",
    "Script-Name": "/api",
    "Path-Info": "/api/v1",
    "Remote-User": "somebody",
    "Forwarded": 'for=127.0.0.1;host="{other}";proto=http',
    "Via": "1.1 {other}",
    "Proxy": "http://evil.example",
    "Authority": "{other}",
}
OF_THE_GATE = {
    "key": KEY,
    "method": "POST",
    "host": "{other}",
    "target": "/api/v1",
    "scheme": "http",
    "answer": "302",
}
SPELLINGS = (
    "Gate{}",
    "gate{}",
    "GATE{}",
    "Gate-{}",
    "Gate_{}",
    "Gate.{}",
    "HTTP_GATE{}",
    "X-Gate{}",
)
OF_ITS_ANSWERS = {
    "Redirection-Decision": "off",
    "Redirection-Page-Decision": "off",
    "Redirection-Location": "https://evil.example/",
    "Redirection-Cookie-1": "spoofed=1",
    "Redirection-Form-Cookie": "spoofed=1",
    "Redirection-Cache-Control": "public",
    "Location": "https://evil.example/",
    "Set-Cookie": "spoofed=1",
    "X-Accel-Redirect": "/redirection/gate",
    "X-Accel-Expires": "100",
    "Portal-Asked": "yes",
}

# What the gate is told of a client (docs/gate.md), each with a value that would change a decision.
WITH_A_HYPHEN = {
    "Content-Type": "application/x-www-form-urlencoded",
    "Sec-Fetch-Dest": "image",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Site": "same-origin",
    "Sec-Fetch-User": "?0",
    "Sec-Purpose": "prefetch",
    "Service-Worker": "script",
    "X-Moz": "prefetch",
    "X-Purpose": "preview",
    "X-Requested-With": "XMLHttpRequest",
}
WITHOUT_A_HYPHEN = ("Accept", "Cookie", "Purpose", "Referer", "Upgrade")


def spoofs() -> Iterator[tuple[str, str]]:
    yield from FORWARDED.items()
    yield from OF_ITS_ANSWERS.items()
    for name, value in OF_THE_GATE.items():
        for spelling in SPELLINGS:
            yield spelling.format(name), value


def cookies(answer: Answer) -> list[str]:
    return sorted(cookie.partition("=")[0] for cookie in answer.all("Set-Cookie"))


@pytest.mark.parametrize("tenant", sorted(TENANTS))
def test_a_header_of_the_client_changes_nothing(front: Proxy, tenant: str) -> None:
    plain = front.ask("/alerts?a=b", host=tenant)
    changed = {}
    for name, value in spoofs():
        line = f"{name}: {value.format(other=OTHER[tenant])}"
        answer = front.ask("/alerts?a=b", host=tenant, more=(line,))
        if (answer.decision, cookies(answer)) != (plain.decision, cookies(plain)):
            changed[line] = answer

    assert not changed


def test_every_header_that_the_gate_is_told_of_a_client_is_tried() -> None:
    text = (ROOT / "docs" / "gate.md").read_text()
    sentence = text.partition("The client's own headers come along as they are:")[2]
    names = re.findall(r"`([\w-]+)`", sentence.partition("The body and")[0])

    assert set(names) == {*WITH_A_HYPHEN, *WITHOUT_A_HYPHEN}


@pytest.mark.parametrize("tenant", sorted(TENANTS))
@pytest.mark.parametrize("session", [False, True])
def test_an_underscore_makes_it_another_header(front: Proxy, tenant: str, session: bool) -> None:
    """WSGI servers cannot tell Sec_Fetch_Mode from Sec-Fetch-Mode."""
    cookie = running_session(tenant) if session else ""
    plain = front.ask("/alerts", host=tenant, Cookie=cookie)
    lines = (f"{name.replace('-', '_')}: {value}" for name, value in WITH_A_HYPHEN.items())
    answers = {
        line: front.ask("/alerts", host=tenant, Cookie=cookie, more=(line,)) for line in lines
    }

    assert {line: answer.decision for line, answer in answers.items()} == dict.fromkeys(
        answers, plain.decision
    )


@pytest.mark.parametrize("tenant", sorted(TENANTS))
@pytest.mark.parametrize("session", [False, True])
def test_nothing_is_taken_away_that_connection_names(
    front: Proxy, tenant: str, session: bool
) -> None:
    cookie = running_session(tenant) if session else ""
    plain = front.ask("/alerts", host=tenant, Cookie=cookie)
    answers = {
        name: front.ask("/alerts", host=tenant, Cookie=cookie, more=(f"Connection: {name}",))
        for name in (
            *WITH_A_HYPHEN,
            *WITHOUT_A_HYPHEN,
            "Gatekey",
            "Gatehost, Host",
            "keep-alive, Upgrade, Cookie, Sec-Fetch-Mode",
        )
    }

    assert {name: answer.decision for name, answer in answers.items()} == dict.fromkeys(
        answers, plain.decision
    )


@pytest.mark.parametrize("tenant", sorted(TENANTS))
@pytest.mark.parametrize("first", [0, 20, 40, 60, 80])
def test_nor_do_many_of_them_together_and_twice(front: Proxy, tenant: str, first: int) -> None:
    plain = front.ask("/alerts", host=tenant)
    lines = [f"{name}: {value.format(other=OTHER[tenant])}" for name, value in spoofs()]
    some = lines[first : first + 30]

    answer = front.ask("/alerts", host=tenant, more=(*some, *some))

    assert some
    assert answer.decision == plain.decision


@pytest.mark.parametrize("tenant", sorted(TENANTS))
@pytest.mark.parametrize(
    "more",
    [
        ("Host: {other}",),
        ("host: {other}",),
        (" Host: {other}",),
        ("X-Folded: a", " Gatehost: {other}"),
        ("X-Folded: a\r\n\tGatehost: {other}",),
        ("X-Bare: a\nGatehost: {other}",),
        ("X-Return: a\rGatehost: {other}",),
        ("Gatehost : {other}",),
        ("Gatehost:{other}",),
        ("Gatehost\t: {other}",),
        (": {other}",),
        ("Gatehost",),
        ("X-Nul: a\0Gatehost: {other}",),
        ("Connection: Gatehost, Cookie, Host, Gatekey", "Gatehost: {other}"),
        ("Connection: close, X-Forwarded-For", "Upgrade: h2c", "HTTP2-Settings: AA"),
        ("TE: trailers", "Trailer: Gatehost"),
        ("Expect: 100-continue",),
    ],
    ids=repr,
)
def test_broken_heads_are_refused_or_change_nothing(
    front: Proxy, tenant: str, more: tuple[str, ...]
) -> None:
    plain = front.ask("/alerts", host=tenant)
    lines = tuple(line.format(other=OTHER[tenant]) for line in more)

    answer = front.ask("/alerts", host=tenant, more=lines)

    assert answer.status in REFUSED or answer.decision == plain.decision, answer


@pytest.mark.parametrize("tenant", sorted(TENANTS))
@pytest.mark.parametrize(
    "length",
    [
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5\r\nTransfer-Encoding : chunked",
        "Transfer-Encoding: xchunked\r\nContent-Length: 5",
    ],
)
def test_a_body_of_two_lengths_is_refused_or_changes_nothing(
    front: Proxy, tenant: str, length: str
) -> None:
    plain = front.ask("/alerts", host=tenant)
    answer = front.ask("/alerts", host=tenant, body=b"0\r\n\r\n", length=length)

    refused = {*REFUSED, HTTPStatus.NOT_IMPLEMENTED}
    assert answer.status in refused or answer.decision == plain.decision, answer


@pytest.mark.parametrize("tenant", sorted(TENANTS))
@pytest.mark.parametrize(
    "target",
    [
        "https://{host}/alerts",
        "http://{host}/alerts",
        "HTTPS://{host}/alerts",
        "https://somebody@{host}/alerts",
    ],
)
def test_the_host_in_an_absolute_target_is_the_one_that_counts(
    front: Proxy, tenant: str, target: str
) -> None:
    """RFC 9112, 3.2.2: the Host header beside it is ignored, by gate and portal alike."""
    plain = front.ask("/alerts", host=tenant)
    other = next(name for name in TENANTS if name != tenant)
    answer = front.ask(target.format(host=front.host(tenant)), host=other)

    assert answer.status in REFUSED or answer.decision == plain.decision, answer
    if answer.all("Portal-Saw"):
        assert f"This is the portal of {tenant}.".encode() in answer.body


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("//alerts", "new_session"),
        ("//evil.example/alerts", "new_session"),
        ("/\\evil.example", "new_session"),
        ("/@evil.example", "new_session"),
        ("/%2f%2fevil.example", "new_session"),
        ("/%0d%0aLocation:%20https://evil.example", "new_session"),
        ("/alerts?next=//evil.example", "new_session"),
        ("/alerts#//evil.example", "new_session"),
        ("/%61pi/x", ""),
        ("/a%70i/", ""),
        ("/apis", "new_session"),
        ("/alerts?tid=" + TENANTS["fabrikam"], "off"),
        ("/alerts?x=1&tid=" + TENANTS["fabrikam"].upper(), "off"),
        ("/alerts?%74id=" + TENANTS["fabrikam"], ""),
    ],
)
def test_a_path_is_judged_as_it_was_sent(front: Proxy, target: str, reason: str) -> None:
    direct = exchange(front.site.port, _call(target), None)
    answer = front.ask(target)

    if answer.status in REFUSED:
        return
    if direct.status == HTTPStatus.FOUND:
        assert answer.get("Location").startswith(f"{front.site.destination}/")
        assert answer.decision[:2] == direct.decision[:2]
    else:
        assert answer.status == HTTPStatus.OK
        assert answer.saw["target"] == target
    assert reason in direct.get("Redirection-Decision")


def _call(target: str) -> bytes:
    told = {
        "Host": "gate",
        "Gatekey": KEY,
        "Gatemethod": "GET",
        "Gatehost": "contoso.portal.localhost",
        "Gatetarget": target,
        **HEADERS,
    }
    return written("GET", "/redirection/gate", [f"{name}: {told[name]}" for name in told])


@pytest.mark.parametrize(
    "host",
    [
        "contoso.portal.localhost",
        "CONTOSO.portal.localhost",
        "contoso.portal.localhost.",
        "contoso.portal.localhost:443",
    ],
)
def test_every_spelling_of_a_host_is_the_same_tenants(front: Proxy, host: str) -> None:
    lines = [f"Host: {host}", *(f"{name}: {value}" for name, value in HEADERS.items())]
    answer = exchange(front.port, written("GET", "/alerts", lines), front.site.tls)

    # A host that a proxy does not know by this spelling never reaches the portal either.
    assert answer.status == HTTPStatus.FOUND or not answer.all("Portal-Saw")


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "security.localhost",
        "127.0.0.1",
        "contoso.portal.localhost.evil.example",
        "a, b",
        "",
    ],
)
def test_no_other_host_is_redirected(front: Proxy, host: str) -> None:
    lines = [f"Host: {host}", *(f"{name}: {value}" for name, value in HEADERS.items())]
    answer = exchange(front.port, written("GET", "/alerts", lines), front.site.tls)

    assert answer.status != HTTPStatus.FOUND
    assert not answer.all("Location")
