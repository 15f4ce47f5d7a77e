"""What an operator would have set up in the portal: tenants, local roles, an account."""

from __future__ import annotations

import os

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from portal.demo import past_month, past_reports
from portal.demo.people import CONTOSO, FABRIKAM, PEOPLE, DemoPerson
from portal.models import Person
from redirection.models import Channel, LocalRole, Tenant

TENANTS = {CONTOSO: ("contoso", "Contoso"), FABRIKAM: ("fabrikam", "Fabrikam")}
OPERATOR = "operator"
REASON = "Set up for the demo"


@transaction.atomic
def fill() -> None:
    """Add what is missing; what people changed since stays."""
    is_first_start = not Tenant.objects.exists()
    tenants = {tid: _tenant(tid, *names) for tid, names in TENANTS.items()}
    for demo_person in PEOPLE:
        if demo_person.local_role is not None:
            person, is_new = _person(demo_person)
            # A role taken away since the first start stays away.
            if is_new:
                LocalRole.objects.give_local_role(
                    tenants[demo_person.tid],
                    person,
                    demo_person.local_role,
                    reason=REASON,
                    channel=Channel.COMMAND,
                    operator="the demo",
                )
    operator = _operator(os.environ["DEMO_OPERATOR_PASSWORD"])
    if is_first_start:
        by_name = {(one.tenant_name, one.first_name): one for one in PEOPLE}
        past_reports.fill(
            {tenant.name: tenant for tenant in tenants.values()},
            lambda *names: _person(by_name[names])[0],
            operator,
        )


def _person(demo_person: DemoPerson) -> tuple[Person, bool]:
    """Somebody as a sign-in finds them, and whether they are new here."""
    return Person.objects.get_or_create(
        username=demo_person.uid,
        defaults={"display_name": demo_person.display_name, "password": make_password(None)},
    )


def _tenant(tid: str, name: str, title: str) -> Tenant:
    tenant = Tenant.objects.filter(tid=tid).first()
    if tenant is None:
        tenant = Tenant(tid=tid, name=name, title=title)
        tenant.provision(reason=REASON, channel=Channel.COMMAND, operator="the demo")
        past_month.fill(tenant, timezone.now().date())
    return tenant


def _operator(password: str) -> Person:
    operator, _ = Person.objects.get_or_create(
        username=OPERATOR,
        defaults={"display_name": "Operator", "is_staff": True, "is_superuser": True},
    )
    if not operator.check_password(password):
        operator.set_password(password)
        operator.save(update_fields=["password"])
    return operator
