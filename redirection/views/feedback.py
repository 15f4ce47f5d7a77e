"""Give feedback: on both portals, about a page, with nothing typed ever lost."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.contrib.sessions.backends.base import UpdateError
from django.core.exceptions import ObjectDoesNotExist
from django.db import Error as StoreError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from redirection import unsent
from redirection.feedback.forms import KIND_OF_SOURCE, FeedbackForm, known_source
from redirection.feedback.giving import give, given_already
from redirection.feedback.limits import TooMuchFeedback, check_limits, check_pictures
from redirection.feedback.screenshots import BoundedUpload
from redirection.feedback.words import page_asked
from redirection.models import Feedback, Tenant
from redirection.rare_logs import Rarely
from redirection.views.not_without_end import not_without_end
from redirection.views.visited import base_of, on_legacy, tenants_shown, visited_tenant

logger = logging.getLogger(__name__)

UNSENT = "feedback"
TYPED = ("source", "page", "kind", "text", "rating", "may_contact")
# Given on the destination, but about the page of the other portal that somebody came from.
_ABOUT_LEGACY = (Feedback.Source.NO_COUNTERPART, Feedback.Source.STEP_BACK)
_RETRY_AFTER = 5
_refused_log = Rarely()


# Anonymous visitors are sent to sign in by the view itself: a redirect of the middleware
# would lose what somebody typed while their session ended. The protection against forged forms
# comes after the upload handler, because it reads the form.
@csrf_exempt
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@not_without_end
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


def give_feedback_again(request: HttpRequest, problem: str) -> HttpResponse | None:
    """What to answer where the protection did not match; None unless the form is of who asks."""
    if not unsent.is_own(request):
        return None
    return _typed_again(request, problem, HTTPStatus.FORBIDDEN)


# For whoever finds that the store is down, or the form out of date, before the view is asked.
give_feedback.without_store = give_feedback_later  # type: ignore[attr-defined]
give_feedback.form_again = give_feedback_again  # type: ignore[attr-defined]


@csrf_protect
def _protected(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _answer(request)
    # Whatever the store has against it: also that somebody is erased at this moment.
    try:
        return _answer(request)
    except StoreError as error:
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
    # Without its picture, until it is sure that one more is read.
    form = FeedbackForm(request.POST)
    try:
        check_limits(tenant, request.user, timezone.now())
        if request.FILES:
            check_pictures(request.user)
            form = FeedbackForm(request.POST, request.FILES)
        if not form.is_valid():
            form.focus_on_error()
            return _form_page(request, tenant, form, HTTPStatus.BAD_REQUEST)
        said = form.cleaned_data
        feedback = give(tenant, request.user, **said, portal=_portal_of(request, said["source"]))
    except TooMuchFeedback as error:
        given = _given_already(request, tenant, form)
        return _receipt(given) if given else _too_much(request, tenant, form, error.retry_after)
    except ObjectDoesNotExist as error:
        # The tenant was disabled, or the person erased, meanwhile.
        raise Http404 from error
    _keep_session(request)
    return _receipt(feedback)


def _receipt(feedback: Feedback) -> HttpResponse:
    return HttpResponseRedirect(reverse("redirection:feedback_sent", args=[feedback.pk]))


def _given_already(request: HttpRequest, tenant: Tenant, form: FeedbackForm) -> Feedback | None:
    """The report that a second click, or a page sent again, has made already."""
    # A picture may still have to be added to it.
    if request.FILES or not form.is_valid():
        return None
    return given_already(tenant, request.user, **form.cleaned_data)


def _keep_session(request: HttpRequest) -> None:
    """Write it now: what fails after the view would hide that the feedback was sent."""
    if not request.session.modified:
        return
    try:
        request.session.save()
    except (StoreError, UpdateError) as error:
        logger.warning("Session not kept after feedback was sent: %s", error)
    request.session.modified = False


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
    if _refused_log.is_due():
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
    if not on_legacy(request):
        # There the host names the organisation.
        context |= tenants_shown(request, tenant)
        context["tenant_query"] = f"{urlencode(query)}&"
        context["action"] = f"?{urlencode({**query, 'tid': str(tenant.tid)})}"
    return render(request, "redirection/feedback.html", context, status=status)


def _not_now(request: HttpRequest) -> HttpResponse:
    problem = _(
        "The store does not answer just now. All that you typed is still here: send it again in a "
        "few seconds. Should it have arrived all the same, it counts once."
    )
    response = _typed_again(request, problem, HTTPStatus.SERVICE_UNAVAILABLE)
    response["Retry-After"] = str(_RETRY_AFTER)
    return response


def _typed_again(request: HttpRequest, problem: str, status: int) -> HttpResponse:
    """The form with all that was typed, from nothing but what was posted."""
    context = {
        "form": FeedbackForm(request.POST),
        "problem": problem,
        "picture_again": bool(request.FILES),
        "base_template": "redirection/plain.html",
        "unsent_owner": request.POST.get(unsent.OWNER_FIELD, ""),
        "action": f"?{request.GET.urlencode()}",
    }
    return render(request, "redirection/feedback.html", context, status=status)


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
    legacy = on_legacy(request) or source in _ABOUT_LEGACY
    return Feedback.Portal.LEGACY if legacy else Feedback.Portal.DESTINATION


def _draft_owner(request: HttpRequest, tenant: Tenant) -> str:
    """Whose a draft kept in a tab is, without saying who."""
    whose = f"{request.user.pk} {tenant.tid}"
    return salted_hmac("redirection.feedback.draft", whose).hexdigest()[:16]
