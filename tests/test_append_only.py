"""No page, operator page, command or query edits or deletes a row of the histories."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core import serializers
from django.core.management import call_command
from django.db import models, transaction
from django.db.models import ProtectedError
from django.test import Client

from portal.models import Person
from redirection.models import Change, LocalRole, LocalRoleChange, Tenant
from redirection.models.append_only import HistoryIsAppendOnly
from tests.conftest import PAGE_LOAD

Attempt = Callable[[Any], object]
ATTEMPTS: dict[str, Attempt] = {
    "save": lambda row: row.save(),
    "save one field": lambda row: row.save(update_fields=["reason"]),
    "save by its number": lambda row: type(row)(**values(row)).save(),
    "save below save()": lambda row: row.save_base(raw=True),
    "delete": lambda row: row.delete(),
    "update": lambda row: rows(row).update(reason="Forged"),
    "update some": lambda row: rows(row).filter(pk=row.pk).update(reason="Forged"),
    "delete all": lambda row: rows(row).all().delete(),
    "bulk update": lambda row: rows(row).bulk_update([row], ["reason"]),
    "bulk create over it": lambda row: rows(row).bulk_create(
        [type(row)(**values(row))], update_conflicts=True, update_fields=["reason"],
        unique_fields=["id"],
    ),
    "update or create": lambda row: rows(row).update_or_create(
        pk=row.pk, defaults={"reason": "Forged"}
    ),
    "by the base manager": lambda row: type(row)._base_manager.update(reason="Forged"),
    "delete by the base manager": lambda row: type(row)._base_manager.all().delete(),
    "of the tenant": lambda row: of_tenant(row).update(reason="Forged"),
    "delete those of the tenant": lambda row: of_tenant(row).all().delete(),
    "given to the tenant again": lambda row: of_tenant(row).add(row),
    "set as the tenant's": lambda row: of_tenant(row).set([row]),
    "a fixture over it": lambda row: [
        found.save() for found in serializers.deserialize("json", forged_fixture(row))
    ],
    "a cascade": lambda row: type(row).objects.all()._raw_delete(using="default"),
}  # fmt: skip
LATER: dict[str, Attempt] = {
    "save": lambda row: row.asave(),
    "delete": lambda row: row.adelete(),
    "update": lambda row: rows(row).aupdate(reason="Forged"),
    "delete all": lambda row: rows(row).all().adelete(),
    "bulk update": lambda row: rows(row).abulk_update([row], ["reason"]),
}


def rows(row: models.Model) -> Any:
    return type(row)._default_manager


def of_tenant(row: Change | LocalRoleChange) -> Any:
    return row.tenant.changes if isinstance(row, Change) else row.tenant.local_role_changes


def values(row: models.Model) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def forged_fixture(row: models.Model) -> str:
    return serializers.serialize("json", [row]).replace("Written once", "Forged")


def stored() -> list[Any]:
    return [list(model.objects.order_by("pk").values()) for model in (Change, LocalRoleChange)]


@pytest.fixture(params=[Change, LocalRoleChange], ids=["change", "local role change"])
def row(request: pytest.FixtureRequest, contoso: Tenant, ada: Person, otto: Person) -> Any:
    """The newest row of either history, with another reason than the stored one."""
    how = {"reason": "Written once", "channel": "command", "operator": "a test"}
    contoso.switch_redirection("on", reason_kind="trial", **how)
    LocalRole.objects.give_local_role(contoso, otto, "security_reader", **how)
    newest = request.param.objects.first()
    newest.reason = "Forged"
    return newest


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS.keys())
def test_no_query_edits_or_deletes_a_row(attempt: Attempt, row: Any) -> None:
    before = stored()
    with pytest.raises(HistoryIsAppendOnly, match="append-only"), transaction.atomic():
        attempt(row)
    assert stored() == before


@pytest.mark.parametrize("attempt", LATER.values(), ids=LATER.keys())
def test_no_asynchronous_query_does(attempt: Attempt, row: Any) -> None:
    before = stored()

    async def wait() -> None:
        await attempt(row)  # type: ignore[misc]

    with pytest.raises(HistoryIsAppendOnly, match="append-only"):
        asyncio.run(wait())
    assert stored() == before


def test_adding_still_works_in_every_way(row: Any) -> None:
    fields = {**values(row), "id": None, "reason": "Added"}
    if isinstance(row, Change):
        fields["revision"] = 1_000_001
    count = type(row).objects.count()
    type(row).objects.bulk_create([type(row)(**fields)])
    # A fixture brings its numbers along, into an empty store as well.
    missing = serializers.serialize("json", [row]).replace(f'"pk": {row.pk}', '"pk": 999')
    for found in serializers.deserialize(
        "json", missing.replace(f'"revision": {getattr(row, "revision", 0)}', '"revision": 999')
    ):
        found.save()
    assert type(row).objects.count() == count + 2


@pytest.mark.parametrize("model", [Tenant, Person])
def test_whoever_stands_in_the_history_cannot_be_deleted(
    model: type[models.Model], contoso: Tenant, ada: Person, row: Any
) -> None:
    contoso.switch_redirection(
        "off", reason_kind="trial", reason="By Ada", channel="page", author=ada
    )
    before = stored()
    for delete in (
        model._default_manager.get(pk={Tenant: contoso, Person: ada}[model].pk).delete,
        model._default_manager.all().delete,
    ):
        with pytest.raises(ProtectedError), transaction.atomic():
            delete()
    assert stored() == before


def test_no_page_for_operators_edits_or_deletes_a_row(row: Any) -> None:
    olga = Person.objects.create_superuser("olga", password="a-long-enough-password")
    browser = Client(headers={"host": "security.localhost", **PAGE_LOAD})
    browser.force_login(olga, "django.contrib.auth.backends.ModelBackend")
    list_ = f"/admin/redirection/{row._meta.model_name}/"
    before = stored()
    refused = [
        browser.post(f"{list_}{row.pk}/change/", {"reason": "Forged"}),
        browser.get(f"{list_}{row.pk}/delete/"),
        browser.post(f"{list_}{row.pk}/delete/", {"post": "yes"}),
        browser.post(f"{list_}add/", {"reason": "Forged"}),
    ]
    assert {answer.status_code for answer in refused} == {HTTPStatus.FORBIDDEN}
    asked = {"action": "delete_selected", ACTION_CHECKBOX_NAME: [row.pk], "post": "yes"}
    browser.post(list_, asked)
    page = browser.get(f"{list_}{row.pk}/change/")
    assert page.status_code == HTTPStatus.OK
    assert 'name="_save"' not in page.content.decode()
    assert stored() == before


def test_no_command_edits_or_deletes_a_row(contoso: Tenant, row: Any, otto: Person) -> None:
    before = stored()
    kind = ("--kind", "trial", "--reason", "The test asks for it")
    call_command("switch_redirection", "contoso", "off", *kind)
    call_command("change_stage", "contoso", "opt_out", *kind)
    call_command(
        "give_local_role", "contoso", otto.object_id, "none", "--reason", "The test asks for it"
    )
    for now, then in zip(stored(), before, strict=True):
        assert len(now) > len(then)
        assert now[: len(then)] == then
