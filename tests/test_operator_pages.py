"""What operators do in their pages counts at the next request."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client
from django.utils.functional import Promise

from portal.models import Person
from redirection.models import Change, Tenant
from tests.conftest import PAGE_LOAD
from tests.test_settings_page import PAGE, sign_in


@pytest.fixture
def olga(db: None) -> Client:
    """The browser of an operator."""
    operator = Person.objects.create_superuser("olga", password="a-long-enough-password")
    browser = Client(headers={"host": "security.localhost", **PAGE_LOAD})
    browser.force_login(operator, "django.contrib.auth.backends.ModelBackend")
    return browser


def test_a_person_turned_off_is_anonymous_at_once(
    olga: Client, ada: Person, destination: Client
) -> None:
    destination.force_login(ada, "portal.sign_in.backend.EntraBackend")
    assert destination.get(PAGE).status_code == HTTPStatus.OK
    address = f"/admin/portal/person/{ada.pk}/change/"
    saved = olga.post(address, {"display_name": "Ada"})
    assert saved.status_code == HTTPStatus.FOUND, saved.content.decode()
    answer = destination.get(PAGE)
    assert answer.status_code == HTTPStatus.FOUND
    assert answer["Location"].startswith("/auth/sign-in")
    # Who somebody is stays as it was.
    assert Person.objects.get(pk=ada.pk).username == ada.username


def test_an_organisation_turned_off_is_closed_at_once(
    olga: Client, ada: Person, contoso: Tenant, destination: Client
) -> None:
    destination.force_login(ada, "portal.sign_in.backend.EntraBackend")
    fields = {"tid": contoso.tid, "name": "contoso", "title": "Contoso", "cloud": "commercial"}
    address = f"/admin/redirection/tenant/{contoso.pk}/change/"
    without_reason = olga.post(address, fields)
    assert "This field is required." in without_reason.content.decode()
    assert olga.post(address, {**fields, "reason": "Unpaid"}).status_code == HTTPStatus.FOUND
    assert destination.get(PAGE)["Location"].startswith("/auth/sign-in")
    change = Change.objects.latest()
    assert (change.after, change.reason, change.channel) == ("disabled", "Unpaid", "admin")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=11111111-1111-4111-8111-111111111111", ["contoso"]),
        ("q=+11111111111141118111111111111111+", ["contoso"]),
        ("q=11111111-1111-4111-8111-111111111119", []),
        ("q=FAB", ["fabrikam"]),
        ("in=gcc", ["fabrikam"]),
        ("in=nowhere", []),
        ("in=commercial&q=o", ["contoso"]),
    ],
)
def test_tenants_are_found_by_id_name_organisation_and_cloud(
    query: str, found: list[str], olga: Client, contoso: Tenant, fabrikam: Tenant
) -> None:
    Tenant.objects.filter(pk=fabrikam.pk).update(cloud="gcc")
    answer = olga.get(f"/admin/redirection/tenant/?{query}")
    assert answer.status_code == HTTPStatus.OK
    assert [tenant.name for tenant in answer.context["cl"].result_list] == found


@pytest.mark.parametrize(
    "address", ["tenant/?q=o&enabled__exact=1", "change/?q=o&what__exact=setting"]
)
def test_no_list_reads_all_rows_to_say_what_there_is(
    address: str, olga: Client, contoso: Tenant, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(10) as queries:
        answer = olga.get(f"/admin/redirection/{address}")
    assert answer.status_code == HTTPStatus.OK
    asked = [query["sql"] for query in queries.captured_queries]
    assert not [sql for sql in asked if "DISTINCT" in sql]
    # How many are found; how many there are would be a second look at all of them.
    assert sum("COUNT(*)" in sql for sql in asked) == 1


@pytest.mark.parametrize("model", ["change", "feedback", "localrole", "localrolechange"])
def test_what_has_a_history_is_read_only_there(model: str, olga: Client) -> None:
    assert olga.get(f"/admin/redirection/{model}/").status_code == HTTPStatus.OK
    assert olga.get(f"/admin/redirection/{model}/add/").status_code == HTTPStatus.FORBIDDEN


def test_what_they_are_about_has_names_that_can_be_translated() -> None:
    for app in map(apps.get_app_config, ("portal", "redirection")):
        named: list[Any] = [app.verbose_name]
        for model in app.get_models():
            if admin.site.is_registered(model):
                meta = model._meta
                fields = [field for field in meta.fields if not field.primary_key]
                named += [meta.verbose_name, meta.verbose_name_plural]
                named += [field.verbose_name for field in fields]
        assert [name for name in named if not isinstance(name, Promise)] == []


def test_nobody_of_an_organisation_opens_them(ada: Person, destination: Client) -> None:
    sign_in(destination, ada)
    for address in ("/admin/", "/admin/redirection/change/", "/admin/portal/person/"):
        assert destination.get(address).status_code == HTTPStatus.FOUND
