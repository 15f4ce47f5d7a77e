"""The language of a page: the browser's, until somebody chooses another one."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import pytest
from django.http import HttpResponse
from django.template import Context, Template
from django.template.loader import render_to_string
from django.test import Client
from django.utils import translation

from portal.languages import LANGUAGES
from portal.models import Person
from redirection.models import Tenant
from tests.conftest import PAGE_LOAD

CODES = [code for code, _ in LANGUAGES]
SETTINGS = "/cloudapps/settings?tabid=autoRedirection"
ROLES_BACKEND = "redirection.permissions.TenantRolesBackend"


def choose(browser: Client, language: str, next_: str = "/", **extra: Any) -> Any:
    return browser.post("/redirection/language", {"language": language, "next": next_}, **extra)


def html_tag(response: Any) -> str:
    found = re.search(r"<html[^>]*>", response.content.decode())
    assert found
    return found.group()


@pytest.mark.parametrize("code", CODES)
def test_a_page_comes_in_the_language_of_the_browser(
    destination: Client, ada: Person, code: str
) -> None:
    destination.force_login(ada, ROLES_BACKEND)
    direction = "rtl" if code == "ar" else "ltr"
    for address in (SETTINGS, "/auth/sign-in", "/no-such-page", "/alerts"):
        response = destination.get(address, headers={"accept-language": code}, follow=True)
        assert html_tag(response) == f'<html lang="{code}" dir="{direction}">', address
        assert response["Content-Language"] == code


@pytest.mark.parametrize("code", CODES)
def test_the_legacy_portal_speaks_it_too(legacy: Client, contoso: Tenant, code: str) -> None:
    response = legacy.get("/", headers={"accept-language": code})
    assert html_tag(response).startswith(f'<html lang="{code}" ')


@pytest.mark.parametrize(
    ("accepted", "code"),
    [
        ("nl, ja;q=0.8, de;q=0.5", "ja"),
        ("de-AT", "de"),
        ("ar-EG,ar;q=0.9", "ar"),
        ("nl", "en"),
        ("", "en"),
        ("*", "en"),
        ("\x00;q=nan, ../../de, " + "x" * 600, "en"),
    ],
)
def test_the_best_language_of_the_browser_counts(
    destination: Client, accepted: str, code: str
) -> None:
    response = destination.get("/auth/sign-in", headers={"accept-language": accepted})
    assert f'lang="{code}"' in html_tag(response)


def test_a_choice_is_remembered(destination: Client) -> None:
    response = choose(destination, "de", "/alerts?x=1#/y")
    assert response.status_code == HTTPStatus.FOUND
    assert response["Location"] == "/alerts?x=1#/y"
    page = destination.get("/auth/sign-in", headers={"accept-language": "ja"})
    assert 'lang="de"' in html_tag(page)


def test_the_cookie_is_kept_for_a_year_and_from_scripts(destination: Client) -> None:
    cookie = choose(destination, "fr").cookies["portal_language"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["max-age"] == 365 * 86400
    assert cookie["domain"] == ""
    assert not cookie["secure"]


def test_the_cookie_stays_on_https_where_the_site_does(destination: Client, settings: Any) -> None:
    settings.LANGUAGE_COOKIE_SECURE = True
    assert choose(destination, "fr").cookies["portal_language"]["secure"]


def test_one_choice_counts_for_every_host_of_the_legacy_portal(
    legacy: Client, contoso: Tenant
) -> None:
    cookie = choose(legacy, "fr").cookies["portal_language"]
    assert cookie["domain"] == "portal.localhost"


@pytest.mark.parametrize(
    "code", ["", "nl", "xx", "DE", "de-AT", "../de", "de\r\nSet-Cookie: a=b", "de\x00", "x" * 9999]
)
def test_a_language_that_is_not_offered_is_ignored(destination: Client, code: str) -> None:
    response = choose(destination, code)
    assert response.status_code == HTTPStatus.FOUND
    assert "portal_language" not in response.cookies


@pytest.mark.parametrize("value", ["nl", "../../etc", "de\x00", "x" * 5000, ""])
def test_a_forged_cookie_is_ignored(destination: Client, value: str) -> None:
    destination.cookies["portal_language"] = value
    assert 'lang="en"' in html_tag(destination.get("/auth/sign-in"))


@pytest.mark.parametrize(
    "next_",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "evil.example",
        "/a\r\nSet-Cookie: a=b",
        "/\t/evil.example",
        "",
    ],
)
def test_the_way_back_stays_on_the_host(destination: Client, next_: str) -> None:
    response = choose(destination, "de", next_)
    assert response["Location"] == "/"
    assert response.cookies["portal_language"].value == "de"


def test_another_site_chooses_no_language(contoso: Tenant) -> None:
    browser = Client(enforce_csrf_checks=True, headers={"host": "security.localhost", **PAGE_LOAD})
    response = choose(browser, "de")
    assert response.status_code == HTTPStatus.FORBIDDEN
    assert "portal_language" not in response.cookies
    shown = browser.get("/auth/sign-in").content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', shown)
    assert token
    response = browser.post(
        "/redirection/language", {"language": "de", "csrfmiddlewaretoken": token.group(1)}
    )
    assert response.cookies["portal_language"].value == "de"


def test_each_language_is_offered_in_its_own_words(destination: Client) -> None:
    page = destination.get("/auth/sign-in", headers={"accept-language": "es"}).content.decode()
    offered = re.findall(r'<option value="(\w+)" lang="(\w+)" dir="auto"( selected)?>(.+?)<', page)
    assert [(code, name) for code, _, _, name in offered] == LANGUAGES
    assert all(code == lang for code, lang, _, _ in offered)
    assert [code for code, _, chosen, _ in offered if chosen] == ["es"]


def test_the_choice_comes_back_to_the_page_with_its_query(destination: Client, ada: Person) -> None:
    destination.force_login(ada, ROLES_BACKEND)
    assert way_back(destination.get(f"{SETTINGS}&confirm=on")) == f"{SETTINGS}&confirm=on"


def test_an_answer_to_a_form_comes_back_to_the_page_of_the_form(
    destination: Client, ada: Person
) -> None:
    destination.force_login(ada, ROLES_BACKEND)
    address = "/cloudapps/settings/switch-redirection"
    page = f"{SETTINGS}&confirm=on"
    for referer, expected in (
        (f"http://security.localhost{page}", page),
        ("http://evil.example/x", "/"),
        ("", "/"),
        ("http://security.localhost//evil.example", "//evil.example"),
    ):
        response = destination.post(address, {"wanted": "x"}, headers={"referer": referer})
        assert response.status_code == HTTPStatus.BAD_REQUEST
        assert way_back(response) == expected
        assert choose(destination, "en", expected)["Location"] in (page, "/")


def way_back(response: HttpResponse) -> str:
    form = re.search(r'<form class="languages".*?</form>', response.content.decode(), re.DOTALL)
    assert form
    found = re.search(r'name="next" value="([^"]*)"', form.group())
    assert found
    return found.group(1).replace("&amp;", "&")


def test_a_refused_sign_in_leads_back_to_its_start(destination: Client, contoso: Tenant) -> None:
    response = destination.get("/auth/complete/entra/?code=secret&state=x")
    assert response.status_code == HTTPStatus.FORBIDDEN
    assert "secret" not in way_back(response)


def test_an_error_without_a_request_offers_no_choice() -> None:
    page = render_to_string("400.html")
    assert "<select" not in page
    assert '<html lang="en" dir="ltr">' in page


def test_the_hand_over_page_is_nothing_to_stay_on(destination: Client) -> None:
    page = destination.get("/redirection/hand-over?from=/").content.decode()
    assert "<select" not in page


MOMENT = datetime(2026, 3, 9, 14, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("en", "9 Mar 2026, 14:05 UTC"),
        ("de", "9. März 2026 14:05 UTC"),
        ("fr", "9 mars 2026 14:05 UTC"),
        ("es", "9 de marzo de 2026 a las 14:05 UTC"),
        ("ja", "2026年3月9日14:05 UTC"),
        ("ar", "9 مارس 2026، 14:05 UTC"),
    ],
)
def test_a_moment_is_written_as_the_language_does_with_its_zone(code: str, text: str) -> None:
    with translation.override(code):
        shown = Template("{% load moments %}{% moment at %}").render(Context({"at": MOMENT}))
    assert shown == f'<time dir="auto" datetime="2026-03-09T14:05:00+00:00">{text}</time>'


def test_a_moment_stands_inside_a_sentence() -> None:
    template = Template(
        "{% load i18n moments %}{% moment at as when %}"
        "{% blocktranslate %}On since {{ when }}.{% endblocktranslate %}"
    )
    shown = template.render(Context({"at": MOMENT}))
    assert shown.startswith("On since <time ")
    assert shown.endswith("</time>.")


def test_no_moment_is_no_text() -> None:
    template = Template("{% load moments %}{% moment at %}")
    assert template.render(Context({"at": None})) == ""


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("en", "1,234,567"),
        ("de", "1.234.567"),
        ("fr", "1\xa0234\xa0567"),
        ("es", "1\xa0234\xa0567"),
        ("ja", "1,234,567"),
        ("ar", "1.234.567"),
    ],
)
def test_a_count_is_grouped_as_the_language_does(code: str, text: str) -> None:
    with translation.override(code):
        template = Template("{% load numbers %}{{ count|grouped }} {{ count }}")
        shown = template.render(Context({"count": 1234567}))
    assert shown == f"{text} 1234567"


@pytest.mark.parametrize("code", CODES)
def test_numbers_that_programs_read_stay_as_they_are(
    destination: Client, ada: Person, contoso: Tenant, code: str
) -> None:
    Tenant.objects.filter(pk=contoso.pk).update(revision=1234567)
    destination.force_login(ada, ROLES_BACKEND)
    page = destination.get(f"{SETTINGS}&confirm=on", headers={"accept-language": code})
    assert 'name="seen_revision" value="1234567"' in page.content.decode()


@pytest.mark.parametrize("code", CODES)
def test_the_script_of_the_legacy_portal_reads_plain_numbers(
    legacy: Client, contoso: Tenant, code: str
) -> None:
    page = legacy.get("/", headers={"accept-language": code}).content.decode()
    assert re.search(r'data-now="\d{10,13}"', page)
