"""Give feedback: on both portals, about a page, with nothing typed ever lost."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required, login_required
from django.contrib.auth.views import redirect_to_login
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from redirection import unsent
from redirection.conf import conf
from redirection.feedback.forms import KIND_OF_SOURCE, FeedbackForm, known_source
from redirection.feedback.giving import give
from redirection.feedback.limits import TooMuchFeedback, check_limits
from redirection.feedback.own import note_as_read, reports_of, with_replies
from redirection.feedback.screenshots import BoundedUpload
from redirection.feedback.words import page_asked
from redirection.models import Feedback, Tenant
from redirection.views.visited import tenants_shown, visited_tenant

logger = logging.getLogger(__name__)

UNSENT = "feedback"
TYPED = ("source", "page", "kind", "text", "rating", "may_contact")
# Given on the destination, but about the page of the other portal that somebody came from.
_ABOUT_LEGACY = (Feedback.Source.NO_COUNTERPART, Feedback.Source.STEP_BACK)
_RETRY_AFTER = 5


# Anonymous visitors are sent to sign in by the view itself: a redirect of the middleware
# would lose what somebody typed while their session ended. The protection against forged forms
# comes after the upload handler, because it reads the form.
@csrf_exempt
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def give_feedback(request: HttpRequest) -> HttpResponse:
    """The form, filled in with the page it is about; a receipt once it is sent."""
    request.upload_handlers = [BoundedUpload(request)]
    return _protected(request)


@csrf_exempt
@never_cache
def give_feedback_later(request: HttpRequest) -> HttpResponse:
    """What to answer a sent form while the store is down: the form with all that was typed."""
    request.upload_handlers = [BoundedUpload(request)]
    return csrf_protect(_not_now)(request)


# For whoever finds that the store is down before the view is asked.
give_feedback.without_store = give_feedback_later  # type: ignore[attr-defined]


@never_cache
@require_safe
@login_required
def feedback_sent(request: HttpRequest, number: int) -> HttpResponse:
    """The receipt, for the sender only, with what became of it."""
    reports = reports_of(request.user, named_by_host(request))
    feedback = get_object_or_404(reports, pk=number)
    (report,) = with_replies([feedback])
    if request.method == "GET":
        note_as_read([report])
    earlier = reports.filter(trouble=feedback.trouble, created_at__lt=feedback.created_at)
    portal = Feedback.Portal.LEGACY if _on_legacy(request) else Feedback.Portal.DESTINATION
    context = {
        "report": report,
        "earlier": earlier.first(),
        "back_url": page_asked(feedback.page) if feedback.portal == portal else "/",
        "base_template": base_of(request),
    }
    return render(request, "redirection/feedback_sent.html", context)


def named_by_host(request: HttpRequest) -> str | None:
    """The tenant of a legacy host; None where the host names none."""
    host = conf().legacy_hosts.parse(request.get_host())
    return host.tenant if host is not None else None


def base_of(request: HttpRequest) -> str:
    """The template around a page that both portals have."""
    return f"redirection/{'legacy_base' if _on_legacy(request) else 'base'}.html"


@csrf_protect
def _protected(request: HttpRequest) -> HttpResponse:
    try:
        return _answer(request)
    except (OperationalError, InterfaceError) as error:
        if request.method != "POST":
            raise
        logger.error("Store failed while feedback was sent: %s", error)
        return _not_now(request)


def _answer(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated:
        if request.method == "POST":
            picture = {"had_picture": "yes"} if request.FILES else {}
            unsent.keep(request, UNSENT, TYPED, **picture)
        return redirect_to_login(request.get_full_path())
    tenant = visited_tenant(request, request.GET.get("tid"))
    if request.method != "POST":
        return _form_page(request, tenant, FeedbackForm(initial=_initial(request, tenant)))
    form = FeedbackForm(request.POST, request.FILES)
    try:
        # Before a picture is read.
        check_limits(tenant, request.user, timezone.now())
        if not form.is_valid():
            form.focus_on_error()
            return _form_page(request, tenant, form, HTTPStatus.BAD_REQUEST)
        said = form.cleaned_data
        feedback = give(tenant, request.user, **said, portal=_portal_of(request, said["source"]))
    except TooMuchFeedback as error:
        return _too_much(request, tenant, form, error.retry_after)
    return HttpResponseRedirect(reverse("redirection:feedback_sent", args=[feedback.pk]))


def _too_much(
    request: HttpRequest, tenant: Tenant, form: FeedbackForm, retry_after: int
) -> HttpResponse:
    minutes = -(-retry_after // 60)
    told = ngettext(
        "Much feedback came from you or your organisation within an hour. Your text is still "
        "here: send it again in %(number)d minute.",
        "Much feedback came from you or your organisation within an hour. Your text is still "
        "here: send it again in %(number)d minutes.",
        minutes,
    ) % {"number": minutes}
    logger.warning("Feedback refused: too much in %s", tenant.name)
    response = _form_page(request, tenant, form, HTTPStatus.TOO_MANY_REQUESTS, told)
    response["Retry-After"] = str(retry_after)
    return response


def _form_page(
    request: HttpRequest,
    tenant: Tenant,
    form: FeedbackForm,
    status: int = HTTPStatus.OK,
    problem: str = "",
) -> HttpResponse:
    query = {name: request.GET[name] for name in ("about", "from") if name in request.GET}
    context: dict[str, Any] = {
        "form": form,
        "problem": problem,
        "picture_again": bool(request.FILES),
        "base_template": base_of(request),
        "unsent_owner": unsent.owner(request, tenant),
        "draft_owner": _draft_owner(request, tenant),
        "draft_page": request.GET.get("about", ""),
        "action": f"?{urlencode(query)}",
    }
    if not _on_legacy(request):
        # There the host names the organisation.
        context |= tenants_shown(request, tenant)
        context["tenant_query"] = f"{urlencode(query)}&"
        context["action"] = f"?{urlencode({**query, 'tid': str(tenant.tid)})}"
    return render(request, "redirection/feedback.html", context, status=status)


def _not_now(request: HttpRequest) -> HttpResponse:
    """The form with all that was typed, from nothing but what was posted."""
    context = {
        "form": FeedbackForm(request.POST),
        "problem": _(
            "The store does not answer just now, so nothing was sent. All that you typed is still "
            "here: send it again in a few seconds."
        ),
        "picture_again": bool(request.FILES),
        "base_template": "redirection/plain.html",
        "unsent_owner": request.POST.get(unsent.OWNER_FIELD, ""),
        "action": f"?{request.GET.urlencode()}",
    }
    status = HTTPStatus.SERVICE_UNAVAILABLE
    response = render(request, "redirection/feedback.html", context, status=status)
    response["Retry-After"] = str(_RETRY_AFTER)
    return response


def _initial(request: HttpRequest, tenant: Tenant) -> dict[str, Any]:
    draft = unsent.take(request, UNSENT, tenant)
    if draft is None:
        source = known_source(request.GET.get("from", ""))
        return {
            "source": source,
            "page": page_asked(request.GET.get("about", "")),
            "kind": KIND_OF_SOURCE.get(Feedback.Source(source)),
        }
    messages.info(request, _("You were signed out. Your text is still here: check and send."))
    if "had_picture" in draft:
        messages.info(request, _("The picture could not be kept. Add it again."))
    return {**draft}


def _portal_of(request: HttpRequest, source: str) -> str:
    legacy = _on_legacy(request) or source in _ABOUT_LEGACY
    return Feedback.Portal.LEGACY if legacy else Feedback.Portal.DESTINATION


def _draft_owner(request: HttpRequest, tenant: Tenant) -> str:
    """Whose a draft kept in a tab is, without saying who."""
    whose = f"{request.user.pk} {tenant.tid}"
    return salted_hmac("redirection.feedback.draft", whose).hexdigest()[:16]


def _on_legacy(request: HttpRequest) -> bool:
    return conf().legacy_hosts.parse(request.get_host()) is not None
