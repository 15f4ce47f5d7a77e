"""What people of both organisations reported, made up, so that there is something to answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone

from portal.models import Person
from redirection.feedback.answers import announce
from redirection.feedback.giving import record
from redirection.models import Answer, Feedback, Tenant

# Organisation, first name, days ago; kind, legacy page, rating, may be contacted, words.
_REPORTS = (
    ("contoso", "Otto", 9, "hard_to_find", "/#/audits", 2, True,
     "It took me ten minutes to find the activity log again."),
    ("fabrikam", "Omar", 7, "hard_to_find", "/#/audits", None, False,
     "Where is the activity log?"),
    ("contoso", "Selma", 6, "missing", "/#/security-configuration", 1, False,
     "Security configuration is nowhere."),
    ("fabrikam", "Stefan", 5, "missing", "/#/security-configuration", 2, True,
     "We checked our settings there every Monday. Is it gone?"),
    ("fabrikam", "Olga", 4, "broken", "/#/alerts/5f2a1b3c4d5e6f7a8b9c0d1e", 2, False,
     "The link in an old ticket opens the whole list instead of my alert."),
    ("contoso", "Ines", 3, "missing", "/#/custom-views/17", None, True,
     "Our own view of the apps is not there."),
    ("contoso", "Oscar", 2, "praise", "/#/files", 5, False,
     "Searching files is much faster than before."),
    ("contoso", "Otto", 1, "broken", "/#/policy", 3, False,
     "The list of policies takes half a minute."),
)  # fmt: skip


def fill(
    tenants: dict[str, Tenant], person: Callable[[str, str], Person], operator: Person
) -> None:
    """Report as ``person(organisation, first name)``, and answer one trouble of both."""
    now = timezone.now()
    for name, first_name, days, kind, page, rating, may_contact, text in _REPORTS:
        report = record(
            tenants[name],
            person(name, first_name),
            kind=kind,
            text=text,
            page=page,
            portal=Feedback.Portal.LEGACY,
            source=Feedback.Source.BANNER,
            rating=rating,
            may_contact=may_contact,
        )
        at = now - timedelta(days=days)
        Feedback.objects.filter(pk=report.pk).update(created_at=at)
        report.trouble.first_at = min(report.trouble.first_at, at)
        report.trouble.last_at = at
        report.trouble.save(update_fields=["first_at", "last_at"])
    found = Feedback.objects.filter(kind="hard_to_find").select_related("trouble")[0].trouble
    answer = announce(
        found,
        state="fixed",
        text="It is under Cloud apps in the menu now, and the old links lead there.",
        page="/cloudapps/activity-log",
        author=operator,
    )
    Answer.objects.filter(pk=answer.pk).update(at=now - timedelta(days=2))
