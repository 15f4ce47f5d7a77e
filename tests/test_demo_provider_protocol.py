"""The stand-in for Entra ID behaves as the real one where the portal can tell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
import requests

from portal.demo.environment import CLIENT_ID
from portal.demo.people import BY_UID, MATRIX, PEOPLE
from redirection.roles import DIRECTORY_ROLES, ORDINARY_MEMBER, LocalRoleName
from tests.demo_process import (
    CHALLENGE,
    VERIFIER,
    Browser,
    free_port,
    loopback_names,
    query_of,
    running,
)

ADA = next(person for person in PEOPLE if person.first_name == "Ada")
PICK_ADA = "Ada Cloud App Security Administrator of contoso"


@dataclass
class Demo:
    port: int
    secret: str

    @property
    def authority(self) -> str:
        return f"http://127.0.0.1:{self.port + 1}"

    @property
    def base(self) -> str:
        return f"{self.authority}/organizations/oauth2/v2.0"

    @property
    def callback(self) -> str:
        return f"http://portal.localhost:{self.port}/auth/complete/entra/"

    def asked(self, **changes: str | None) -> dict[str, str]:
        """The query of a good authorization request; None takes a parameter away."""
        query = {
            "client_id": CLIENT_ID,
            "redirect_uri": self.callback,
            "response_type": "code",
            "scope": "openid profile",
            "state": "a-state",
            "nonce": "a-nonce",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **changes,
        }
        return {name: value for name, value in query.items() if value is not None}

    def authorize(self, browser: Browser, **changes: str | None) -> requests.Response:
        return browser.get(
            f"{self.base}/authorize", params=self.asked(**changes), allow_redirects=False
        )

    def code(self, browser: Browser) -> str:
        browser.press(browser.get(f"{self.authority}/"), PICK_ADA)
        return query_of(self.authorize(browser).headers["Location"])["code"]

    def exchange(self, code: str, **changes: str | None) -> requests.Response:
        data = {
            "grant_type": "authorization_code",
            "client_id": CLIENT_ID,
            "client_secret": self.secret,
            "code": code,
            "code_verifier": VERIFIER,
            "redirect_uri": self.callback,
            **changes,
        }
        return Browser().post(f"{self.base}/token", {k: v for k, v in data.items() if v})


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    directory: Path = tmp_path_factory.mktemp("demo")
    port = free_port()
    with running(port, directory), loopback_names():
        lines = (directory / ".env").read_text().splitlines()
        secret = dict(line.split("=", 1) for line in lines[1:])["ENTRA_CLIENT_SECRET"]
        yield Demo(port, secret)


def claims_of(answer: requests.Response, demo: Demo) -> tuple[dict[str, Any], dict[str, Any]]:
    token = answer.json()["id_token"]
    keys = Browser().get(f"{demo.authority}/organizations/discovery/v2.0/keys").json()["keys"]
    header = jwt.get_unverified_header(token)
    key = next(key for key in keys if key["kid"] == header["kid"])
    claims = jwt.decode(token, jwt.PyJWK(key, "RS256").key, ["RS256"], audience=CLIENT_ID)
    return claims, key


def test_a_token_has_the_claims_of_entra_id(demo: Demo) -> None:
    claims, key = claims_of(demo.exchange(demo.code(Browser())), demo)

    assert claims["iss"] == f"{demo.authority}/{ADA.tid}/v2.0"
    assert key["issuer"] == f"{demo.authority}/{{tenantid}}/v2.0"
    assert claims["aud"] == CLIENT_ID
    assert (claims["tid"], claims["oid"], claims["ver"]) == (ADA.tid, ADA.oid, "2.0")
    assert claims["wids"] == [ADA.directory_role, ORDINARY_MEMBER]
    assert claims["name"] == "Ada (Cloud App Security Administrator)"
    assert claims["preferred_username"] == "ada@contoso.example"
    assert claims["nonce"] == "a-nonce"
    assert {"exp", "iat", "sub"} <= claims.keys()


def test_the_shared_discovery_document_leaves_the_tenant_open(demo: Demo) -> None:
    path = "v2.0/.well-known/openid-configuration"
    shared = Browser().get(f"{demo.authority}/organizations/{path}").json()
    own = Browser().get(f"{demo.authority}/{ADA.tid}/{path}").json()

    assert shared["issuer"] == f"{demo.authority}/{{tenantid}}/v2.0"
    assert own["issuer"] == f"{demo.authority}/{ADA.tid}/v2.0"
    assert shared["authorization_endpoint"] == f"{demo.base}/authorize"
    assert shared["token_endpoint"] == f"{demo.base}/token"
    assert shared["end_session_endpoint"] == f"{demo.base}/logout"


@pytest.mark.parametrize(
    "changes",
    [
        {"client_secret": None},
        {"client_secret": "another"},
        {"client_id": "another"},
        {"code_verifier": None},
        {"code_verifier": "w" * 43},
        {"redirect_uri": "http://evil.example/"},
    ],
)
def test_a_code_alone_is_worth_nothing(changes: dict[str, str | None], demo: Demo) -> None:
    answer = demo.exchange(demo.code(Browser()), **changes)

    assert answer.status_code in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED)
    assert "id_token" not in answer.text


def test_a_code_serves_once(demo: Demo) -> None:
    code = demo.code(Browser())

    assert demo.exchange(code).status_code == HTTPStatus.OK
    assert demo.exchange(code).status_code == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge": VERIFIER, "code_challenge_method": "plain"},
        {"response_type": "id_token"},
    ],
)
def test_a_request_without_proof_key_gets_no_code(
    changes: dict[str, str | None], demo: Demo
) -> None:
    browser = Browser()
    browser.press(browser.get(f"{demo.authority}/"), PICK_ADA)
    answer = demo.authorize(browser, **changes)

    assert "code=" not in answer.headers.get("Location", "")
    assert answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR


@pytest.mark.parametrize("prompt", [None, "none"])
def test_a_foreign_address_gets_nothing(prompt: str | None, demo: Demo) -> None:
    browser = Browser()
    browser.press(browser.get(f"{demo.authority}/"), PICK_ADA)
    answer = demo.authorize(browser, prompt=prompt, redirect_uri="http://evil.example/")

    assert answer.status_code == HTTPStatus.BAD_REQUEST


def test_without_a_session_prompt_none_says_login_required(demo: Demo) -> None:
    answer = demo.authorize(Browser(), prompt="none")

    assert answer.headers["Location"].startswith(demo.callback)
    assert query_of(answer.headers["Location"]) == {"error": "login_required", "state": "a-state"}


def test_with_a_session_prompt_none_gives_a_code(demo: Demo) -> None:
    browser = Browser()
    browser.press(browser.get(f"{demo.authority}/"), PICK_ADA)
    answer = demo.authorize(browser, prompt="none", login_hint="ada@contoso.example")
    other = demo.authorize(browser, prompt="none", login_hint="rita@contoso.example")

    assert "code" in query_of(answer.headers["Location"])
    assert query_of(other.headers["Location"])["error"] == "login_required"


def test_each_session_has_its_own_sid(demo: Demo) -> None:
    at_work, at_home = Browser(), Browser()
    sids = [
        claims_of(demo.exchange(demo.code(browser)), demo)[0]["sid"]
        for browser in (at_work, at_home, at_work)
    ]

    assert sids[0] == sids[2] != sids[1]


def test_a_role_is_taken_away_and_given_back_while_it_runs(demo: Demo) -> None:
    browser, page = Browser(), f"{demo.authority}/roles"

    def change(role: str) -> list[str]:
        browser.press(browser.get(page), person=ADA.uid, role=role)
        wids: list[str] = claims_of(demo.exchange(demo.code(Browser())), demo)[0]["wids"]
        return wids

    assert change("take") == [ORDINARY_MEMBER]
    assert "Ada of contoso</span>" in browser.get(page).text
    assert change("give") == [ADA.directory_role, ORDINARY_MEMBER]


@pytest.mark.parametrize("person", ["", "nobody", "operator"])
def test_a_role_of_nobody_changes_nothing(person: str, demo: Demo) -> None:
    browser = Browser()
    answer = browser.press(browser.get(f"{demo.authority}/roles"), person=person, role="take")

    assert answer.status_code == HTTPStatus.OK
    assert "has no role" not in answer.text


def test_a_sign_out_over_there_tells_the_portal(demo: Demo) -> None:
    browser, portal = Browser(), f"http://security.localhost:{demo.port}"
    browser.sign_in(f"{portal}/auth/sign-in?next=/auth/sign-in", PICK_ADA)
    accounts = browser.get(f"{demo.authority}/")
    form = accounts.text.rpartition("<form")[2]
    token = form.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    page = browser.post(f"{demo.authority}/sign-out", {"csrfmiddlewaretoken": token})
    address = unescape(page.text.partition('<iframe src="')[2].partition('"')[0])

    assert address.startswith(f"{portal}/auth/front-channel-logout?")
    assert query_of(address)["iss"] == f"{demo.authority}/{ADA.tid}/v2.0"
    assert f"frame-src {portal} " in page.headers["Content-Security-Policy"]

    settings = f"{portal}/cloudapps/settings"
    assert browser.get(settings).url == settings
    # A frame of another site: no cookie of the portal goes along.
    Browser().get(address)
    assert browser.get(settings).url.startswith(f"{portal}/auth/sign-in")


def test_select_account_asks_even_with_a_session(demo: Demo) -> None:
    browser = Browser()
    browser.press(browser.get(f"{demo.authority}/"), PICK_ADA)
    answer = demo.authorize(browser, prompt="select_account")
    page = browser.get(demo.authority + answer.headers["Location"])

    assert "Stand-in for Entra ID. No password, loopback only." in page.text
    for person in PEOPLE:
        assert f'value="{person.uid}"' in page.text


def test_only_loopback_is_served(demo: Demo) -> None:
    answer = Browser().get(f"{demo.authority}/", headers={"Host": "evil.example"})

    assert answer.status_code == HTTPStatus.BAD_REQUEST


def test_nobody_signs_in_from_another_site(demo: Demo) -> None:
    answer = Browser().post(f"{demo.authority}/", {"person": ADA.uid})

    assert answer.status_code == HTTPStatus.FORBIDDEN


def test_both_tenants_have_somebody_for_every_role() -> None:
    assert {row[1] or ORDINARY_MEMBER for row in MATRIX} == set(DIRECTORY_ROLES)
    assert {row[2] for row in MATRIX if row[2]} == set(LocalRoleName)
    assert len(BY_UID) == len(PEOPLE) == 2 * len(MATRIX) + 2
    assert len({person.first_name for person in PEOPLE}) == len(PEOPLE)


def test_the_whole_way_from_a_tenant_host_and_back(demo: Demo) -> None:
    browser, host = Browser(), f"http://contoso.portal.localhost:{demo.port}"
    page = browser.sign_in(f"{host}/auth/sign-in?next=/auth/sign-in", PICK_ADA)

    assert page.url == f"{host}/"
    assert "Ada (Cloud App Security Administrator)" in page.text

    form = page.text[page.text.index('action="/auth/sign-out"') - 40 :]
    token = form.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    page = browser.post(f"{host}/auth/sign-out", {"csrfmiddlewaretoken": token})

    assert [urlsplit(step.url).netloc for step in page.history] == [
        f"contoso.portal.localhost:{demo.port}",
        f"127.0.0.1:{demo.port + 1}",
        f"portal.localhost:{demo.port}",
    ]
    assert page.url == f"{host}/"
    assert "Ada (Cloud App Security Administrator)" not in page.text
    answer = demo.authorize(browser, prompt="none")
    assert query_of(answer.headers["Location"])["error"] == "login_required"


@pytest.mark.parametrize(
    ("account", "sentence"),
    [
        ("Wanda Global Administrator of northwind", "Your organisation is not set up"),
        ("Paul private person of personal accounts", "Personal Microsoft accounts cannot"),
    ],
)
def test_strangers_see_why_not(account: str, sentence: str, demo: Demo) -> None:
    page = Browser().sign_in(f"http://security.localhost:{demo.port}/auth/sign-in", account)

    assert page.status_code == HTTPStatus.FORBIDDEN
    assert sentence in page.text
