"""Erasing a person or a tenant, and feedback that is too old, with the counts made right again.

What is erased, what becomes nameless and what stays is in docs/personal-data.md.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import models, transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.fields.reverse_related import ForeignObjectRel

from redirection.models import (
    Answer,
    Change,
    DeepLinkRuleChange,
    Feedback,
    LocalRole,
    LocalRoleChange,
    Refusal,
    Revision,
    RoleSnapshot,
    Tenant,
    Trouble,
)
from redirection.stored_sessions import end_sessions

# What was done, by the name of the rows: how many were deleted, and in how many a name went.
Done = Counter[str]
CHUNK = 500


def forget_feedback(reports: QuerySet[Feedback]) -> Done:
    """Delete reports with their screenshots; troubles nobody tells of any more go with them.

    In one transaction, so that ``Trouble.reports`` is right whenever somebody looks.
    """
    done: Done = Counter()
    with transaction.atomic():
        # Those without one count nowhere, and go with what refers to the person or tenant.
        reports = reports.filter(trouble__isnull=False)
        told = sorted(set(reports.order_by().values_list("trouble", flat=True)))
        for start in range(0, len(told), CHUNK):
            piece = told[start : start + CHUNK]
            # Whoever reports the same now waits, and is counted after that.
            list(Trouble.objects.select_for_update().filter(pk__in=piece).order_by("pk"))
            _delete(reports.filter(trouble__in=piece), done)
            _count_again(piece, done)
    return done


def hold(tenant: Tenant, person: Any) -> None:
    """Let neither be erased until the transaction ends: for whoever writes of both.

    To be called before a trouble is locked. Waits for an erasure that has begun. Raises
    Tenant.DoesNotExist for a tenant that is disabled or erased, and DoesNotExist of the person's
    model.
    """
    Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk, enabled=True)
    _people().select_for_update(no_key=True).get(pk=person.pk, is_active=True)


@transaction.atomic
def erase_person(person: Any) -> Done:
    """Erase everything personal of ``person``, who becomes a pseudonym or is gone altogether.

    Histories are append-only: where they name the person, the name becomes a pseudonym.
    """
    _hold_people([person.pk])
    done = forget_feedback(Feedback.everything.filter(person=person))
    done["session"] += end_sessions([person])
    return +(done + _erase_rest(person))


@transaction.atomic
def erase_tenant(tenant: Tenant, *, reason: str, operator: str, channel: str) -> Done:
    """Erase a tenant's data and the people known nowhere else; it stays as a nameless row.

    It is disabled from then on, which its history says. Raises ValidationError for a missing
    reason.
    """
    # In this order changes lock them; reports begin with the tenant.
    Revision.locked()
    list(Tenant.objects.select_for_update(no_key=True).filter(pk=tenant.pk))
    tenant.refresh_from_db()
    people = set(_people_of(tenant))
    _hold_people([person.pk for person in people])
    done = forget_feedback(Feedback.everything.filter(Q(tenant=tenant) | Q(person__in=people)))
    # From here on nothing may refer to it anew. Not sooner: whoever answers a trouble refers to
    # tenants while they hold it, and troubles are waited for above.
    list(Tenant.objects.select_for_update().filter(pk=tenant.pk))
    asked = Q(tenant_asked=str(tenant.tid)) | Q(tenant_asked=tenant.name)
    _delete(Refusal.objects.filter(asked), done)
    # Somebody may have come meanwhile.
    people |= set(_people_of(tenant))
    done["session"] += end_sessions(people, tenant)
    for person in people:
        done += _erase_rest(person)
    _delete_what_cascades(tenant, done)
    pseudonym = f"erased-{secrets.token_hex(8)}"
    _rename_in_admin_log(Tenant, [tenant.pk], pseudonym)
    tenant.name, tenant.title, tenant.tid = pseudonym, pseudonym, uuid4()
    tenant.enabled = False
    tenant.provision(reason=reason, channel=channel, operator=operator)
    done["tenant made nameless"] += 1
    return +done


def _erase_rest(person: Any) -> Done:
    """What is not feedback. No trouble is locked any more, so nobody waits for the other."""
    done: Done = Counter()
    pseudonym = f"erased-{secrets.token_hex(8)}"
    list(_people().select_for_update().filter(pk=person.pk))
    _delete_what_cascades(person, done)
    _make_nameless(person, pseudonym, done)
    if _is_in_a_history(person):
        _become(person, pseudonym)
        done["person made nameless"] += 1
    else:
        _delete(type(person).objects.filter(pk=person.pk), done)
    return done


def _people() -> Any:
    return get_user_model()._default_manager  # noqa: SLF001


def _hold_people(numbers: Iterable[int]) -> None:
    """Whoever reports something in one of these names waits until the transaction ends."""
    list(_people().select_for_update(no_key=True).filter(pk__in=numbers).order_by("pk"))


def _people_of(tenant: Tenant) -> QuerySet[Any]:
    """Those who are known in this tenant and nowhere else, operators apart."""
    known: tuple[Any, ...] = (RoleSnapshot, LocalRole, Feedback)
    is_here: Any = Q()
    is_elsewhere: Any = Q()
    for model in known:
        of_person = model._base_manager.filter(person=OuterRef("pk")).order_by()  # noqa: SLF001
        is_here |= Exists(of_person.filter(tenant=tenant))
        is_elsewhere |= Exists(of_person.exclude(tenant=tenant))
    # Whose role was taken away is still named in its history.
    is_here |= Exists(LocalRoleChange.rows.filter(person=OuterRef("pk"), tenant=tenant))
    found: QuerySet[Any] = _people().filter(is_here, ~is_elsewhere, is_staff=False)
    return found


def _count_again(troubles: Iterable[int], done: Done) -> None:
    left = dict(
        Feedback.objects.filter(trouble__in=troubles)
        .order_by()
        .values_list("trouble")
        .annotate(Count("pk"))
    )
    for number in troubles:
        Trouble.objects.filter(pk=number).update(reports=left.get(number, 0))
    # An answer is no personal data, but answers nobody any more.
    _delete(Trouble.objects.filter(pk__in=troubles, reports=0), done)


def _delete_what_cascades(row: models.Model, done: Done) -> None:
    # Those without a name of their own ("+") are hidden.
    for relation in row._meta.get_fields(include_hidden=True):  # noqa: SLF001
        if isinstance(relation, ForeignObjectRel) and relation.on_delete is models.CASCADE:
            of_row = {relation.field.name: getattr(row, relation.field.target_field.attname)}
            _delete(relation.related_model._base_manager.filter(**of_row), done)  # noqa: SLF001


def _make_nameless(person: Any, pseudonym: str, done: Done) -> None:
    for model in (Change, LocalRoleChange, DeepLinkRuleChange):
        # Operators stand there without an account.
        own = Q(author=person) | Q(author=None, author_name=person.get_username())
        named = model.objects.filter(own).make_nameless("author_name", pseudonym)
        done[f"{model.__name__.lower()} made nameless"] += named
    of_person = LocalRoleChange.objects.filter(person=person)
    named = of_person.make_nameless("person_name", pseudonym)
    done["localrolechange made nameless"] += named
    answers = Answer.objects.filter(author=person).update(author_name=pseudonym, author=None)
    done["answer made nameless"] += answers
    _rename_in_admin_log(type(person), [person.pk], pseudonym)


def _is_in_a_history(person: Any) -> bool:
    authored = any(
        model.rows.filter(author=person).exists()
        for model in (Change, LocalRoleChange, DeepLinkRuleChange)
    )
    return authored or LocalRoleChange.rows.filter(person=person).exists()


def _become(person: Any, pseudonym: str) -> None:
    """The account is nobody's any more, and nobody can sign in with it."""
    for field in person._meta.concrete_fields:  # noqa: SLF001
        if isinstance(field, models.CharField | models.TextField):
            setattr(person, field.attname, "")
    setattr(person, person.USERNAME_FIELD, pseudonym)
    person.set_unusable_password()
    person.last_login = None
    person.is_active = person.is_staff = person.is_superuser = False
    person.save()
    for field in person._meta.many_to_many:  # noqa: SLF001
        getattr(person, field.name).clear()


def _rename_in_admin_log(model: type[models.Model], numbers: Iterable[Any], name: str) -> None:
    """What was done in the operator pages stays, without what the row was called."""
    if apps.is_installed("django.contrib.admin"):
        from django.contrib.admin.models import LogEntry
        from django.contrib.contenttypes.models import ContentType

        kind = ContentType.objects.get_for_model(model)
        about = LogEntry.objects.filter(content_type=kind, object_id__in=map(str, numbers))
        about.update(object_repr=name, change_message="")


def _delete(rows: QuerySet[Any], done: Done) -> None:
    # Piece by piece: a deletion that cascades reads what it deletes.
    while pieces := list(rows.order_by().values_list("pk", flat=True)[:CHUNK]):
        _rename_in_admin_log(rows.model, pieces, "erased")
        _, deleted = rows.filter(pk__in=pieces).delete()
        for label, number in deleted.items():
            done[label.rpartition(".")[2].lower()] += number
