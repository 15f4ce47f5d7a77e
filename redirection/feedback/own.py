"""What somebody's own reports have led to: the state, the answers, and what of it is new."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Coalesce
from django.http import HttpRequest

from redirection.feedback.words import page_asked
from redirection.locations import hand_over_address
from redirection.models import Answer, Feedback, Screenshot, Tenant, Trouble


@dataclass(frozen=True)
class Reply:
    """One answer, where to try again ("" if nowhere), and whether the sender sees it first."""

    answer: Answer
    try_url: str
    is_new: bool


@dataclass(frozen=True)
class OwnReport:
    """One report of the sender with what became of it, newest reply first."""

    feedback: Feedback
    replies: list[Reply]

    @property
    def has_news(self) -> bool:
        return any(reply.is_new for reply in self.replies)


def reports_of(person: Any, host_tenant: str | None = None) -> QuerySet[Feedback]:
    """What ``person`` has sent for tenants of theirs; on a tenant's own host only for that."""
    tenants = Tenant.objects.known_to(person)
    if host_tenant is not None:
        tenants = tenants.filter(name=host_tenant)
    found = Feedback.objects.filter(person=person, tenant__in=tenants.order_by().values("pk"))
    picture = Screenshot.objects.filter(feedback=OuterRef("pk"))
    return (
        found.select_related("tenant", "trouble")
        .annotate(has_picture=Exists(picture))
        .order_by("-created_at", "-pk")
    )


def with_replies(reports: Iterable[Feedback]) -> list[OwnReport]:
    """Each report with the answers its sender sees (1 query)."""
    reports = list(reports)
    answers: defaultdict[int, list[Answer]] = defaultdict(list)
    troubles = {feedback.trouble_id for feedback in reports}
    for answer in Answer.objects.filter(trouble__in=troubles).order_by("-at", "-pk"):
        answers[answer.trouble_id].append(answer)
    return [_with_replies(feedback, answers[feedback.trouble.pk]) for feedback in reports]


def note_as_read(reports: Sequence[OwnReport]) -> None:
    """What was shown is no longer new. Writes only where there was news."""
    told = [report for report in reports if report.has_news]
    for report in told:
        # Not now: an answer that was given while the page was made is none that was shown.
        report.feedback.read_at = max(reply.answer.at for reply in report.replies)
    Feedback.objects.bulk_update([report.feedback for report in told], ["read_at"])


def new_answers(request: HttpRequest) -> int:
    """How many of the reports of who asks have an answer they have not seen (1 query)."""
    person = getattr(request, "user", None)
    if person is None or not person.is_authenticated:
        return 0
    answered = Answer.objects.filter(
        trouble=OuterRef("trouble"), at__gt=Coalesce(OuterRef("read_at"), OuterRef("created_at"))
    )
    return reports_of(person).order_by().filter(Exists(answered)).count()


def _with_replies(feedback: Feedback, answers: list[Answer]) -> OwnReport:
    """Those given since the report; else the newest, if something came of the trouble before."""
    shown = [answer for answer in answers if answer.at > feedback.created_at]
    if not shown and feedback.trouble.state != Trouble.State.OPEN:
        shown = answers[:1]
    seen_at = feedback.read_at or feedback.created_at
    return OwnReport(
        feedback,
        [Reply(answer, _try_url(feedback, answer), answer.at > seen_at) for answer in shown],
    )


def _try_url(feedback: Feedback, answer: Answer) -> str:
    """The page to try on the destination of the sender's own tenant (promise 3)."""
    tenant = feedback.tenant
    origin = tenant.destination
    if answer.state != Trouble.State.FIXED or origin is None:
        return ""
    if answer.page:
        return f"{origin}{page_asked(answer.page)}"
    page = page_asked(feedback.page)
    if feedback.portal == Feedback.Portal.DESTINATION:
        return f"{origin}{page}"
    address, separator, fragment = page.partition("#")
    return f"{origin}{hand_over_address(str(tenant.tid), address)}{separator}{fragment}"
