"""The operators' page that explains a decision."""

from __future__ import annotations

import re
from html import unescape
from http import HTTPStatus
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import Permission
from django.test import Client, RequestFactory
from django.views.debug import ExceptionReporter

from portal.models import Person
from redirection.models import Tenant
from redirection.views.explain import explain_decision
from tests.conftest import PAGE_LOAD, Switch
from tests.test_settings_page import sign_in

PAGE = "/redirection/explain"
LINK = "http://contoso.portal.localhost/audits"


def text(response: Any) -> str:
    return " ".join(unescape(response.content.decode()).split())


def operator(name: str, **fields: Any) -> Client:
    person = Person.objects.create_user(name, is_staff=True, **fields)
    browser = Client(headers={"host": "security.localhost", **PAGE_LOAD})
    browser.force_login(person, "django.contrib.auth.backends.ModelBackend")
    return browser


@pytest.fixture
def olga(db: None) -> Client:
    """The browser of an operator."""
    return operator("olga", is_superuser=True)


def test_the_index_of_the_operator_pages_leads_there(olga: Client) -> None:
    index = text(olga.get("/admin/"))
    assert f'<a href="{PAGE}">Explain a decision</a>' in index
    assert olga.get(PAGE).status_code == HTTPStatus.OK


def test_the_form_has_a_label_for_every_field(olga: Client) -> None:
    page = olga.get(PAGE).content.decode()
    fields = re.findall(r'<(?:input|select|textarea)[^>]* id="(id_[a-z_]+)"', page)
    assert len(fields) == 7
    for field in fields:
        assert f'for="{field}"' in page
        assert f'aria-describedby="{field}_helptext"' in page or field == "id_visitor"


def test_olga_sees_the_decision_and_who_switched(
    olga: Client, contoso: Tenant, switch: Switch
) -> None:
    switch(contoso, "on")
    page = text(olga.post(PAGE, {"url": LINK, "visitor": "new"}))
    assert "Goes to the destination." in page
    assert f'<code dir="ltr">new_session;revision={contoso.revision}</code>' in page
    assert "from Not set to On, by a test (Command line)" in page
    assert "http://security.localhost/cloudapps/activity-log" in page
    linked = re.search(r'<a href="([^"]+)">Address of this question', page)
    assert linked
    assert "Goes to the destination." in text(olga.get(linked[1]))


def test_no_cookie_stands_in_an_address(olga: Client, contoso: Tenant) -> None:
    page = text(olga.post(PAGE, {"url": LINK, "cookie": "1.2.secret-of-somebody"}))
    assert "From the cookie given." in page
    assert "secret-of-somebody" not in page
    page = text(olga.get(PAGE, {"url": LINK, "cookie": "1.2.secret-of-somebody"}))
    assert "None is brought along." in page
    assert "secret-of-somebody" not in page


def test_an_error_report_holds_nobodys_session(contoso: Tenant) -> None:
    secret = "1.2.secret-of-somebody"
    request = RequestFactory().post(PAGE, {"url": LINK, "cookie": secret, "header": f"X: {secret}"})
    request.user = Person(username="olga", is_staff=True, is_superuser=True, is_active=True)
    with (
        mock.patch("redirection.views.explain.explain", side_effect=ValueError("anything")),
        pytest.raises(ValueError, match="anything") as broken,
    ):
        explain_decision(request)
    reporter = ExceptionReporter(request, broken.type, broken.value, broken.tb)
    assert LINK in reporter.get_traceback_text()
    assert "secret-of-somebody" not in reporter.get_traceback_text()


def test_moments_are_told_to_the_second(olga: Client, contoso: Tenant) -> None:
    page = text(olga.post(PAGE, {"url": LINK, "at": "2026-01-31T14:00:07Z"}))
    assert 'datetime="2026-01-31T14:00:07+00:00">31 Jan 2026 14:00:07 UTC</time>' in page


def test_every_operator_page_leads_to_it(olga: Client) -> None:
    for address in ("/admin/redirection/deeplinkrule/", "/admin/redirection/tenant/", PAGE):
        head = text(olga.get(address)).partition('id="user-tools"')[2].partition("</header>")[0]
        assert f'<a href="{PAGE}">Explain a decision</a>' in head


@pytest.mark.parametrize(
    ("fields", "field", "error"),
    [
        ({"url": ""}, "url", "Give an address."),
        ({"url": "mailto:x"}, "url", "Only links that begin with http://"),
        ({"url": "/audits"}, "tenant", "The address names no host"),
        ({"url": LINK, "tenant": "<b>"}, "tenant", "No tenant is named “<b>”."),
        ({"url": LINK, "at": "soon"}, "at", "Write the time as"),
        ({"url": LINK, "at": "2999-01-01T00:00Z"}, "at", "What will happen then is not known"),
        ({"url": LINK, "visitor": "ghost"}, "visitor", "one of these: new, running, new-tab"),
        ({"url": LINK, "method": "G T"}, "method", "This is no method of a request."),
        ({"url": LINK, "header": "x"}, "header", "Write a header as Name: value."),
        ({"url": "x" * 9000}, "url", "Use at most 8000 characters."),
        ({"url": LINK, "cookie": "x" * 501}, "cookie", "at most 500 characters"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_kept(
    fields: dict[str, str], field: str, error: str, olga: Client, contoso: Tenant
) -> None:
    answer = olga.post(PAGE, fields)
    assert answer.status_code == HTTPStatus.BAD_REQUEST
    page = text(answer)
    row = page.partition(f"field-{field}")[2].partition("form-row")[0]
    assert error in row
    assert 'aria-invalid="true"' in row
    assert f'id="id_{field}_error"' in row
    assert "<b>" not in answer.content.decode()
    if field != "cookie":
        assert fields[field if field in fields else "url"] in page


def test_the_page_runs_under_the_policy_of_the_site(olga: Client, contoso: Tenant) -> None:
    answer = olga.get(PAGE, {"url": f"{LINK}?<script>alert(1)</script>"})
    assert "script-src 'self'" in answer["Content-Security-Policy"]
    page = answer.content.decode()
    assert "<script>alert" not in page
    assert not re.search(r"<script(?![^>]* src=)|<style| style=| on[a-z]+=", page)
    assert "no-store" in answer["Cache-Control"]


def test_only_operators_who_may_read_the_history_open_it(
    db: None, ada: Person, destination: Client, contoso: Tenant
) -> None:
    assert destination.get(PAGE)["Location"].startswith("/admin/login/?next=")
    sign_in(destination, ada)
    assert destination.get(PAGE)["Location"].startswith("/admin/login/?next=")
    narrow = operator("oscar")
    assert narrow.get(PAGE).status_code == HTTPStatus.FORBIDDEN
    assert PAGE not in narrow.get("/admin/").content.decode()
    Person.objects.get(username="oscar").user_permissions.add(
        Permission.objects.get(codename="view_change", content_type__app_label="redirection")
    )
    assert narrow.get(PAGE).status_code == HTTPStatus.OK
