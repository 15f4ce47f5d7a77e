"""Give feedback: on both portals, about a page, with nothing typed ever lost."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required, login_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from redirection import unsent
from redirection.conf import conf
from redirection.forms import FeedbackForm
from redirection.models import Feedback, Tenant
from redirection.views.visited import tenants_shown, visited_tenant

UNSENT = "feedback"


# Anonymous visitors are sent to sign in by the view itself: a redirect of the middleware
# would lose what somebody typed while their session ended.
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def give_feedback(request: HttpRequest) -> HttpResponse:
    """The form, filled in with the page it is about; a receipt once it is sent."""
    if not request.user.is_authenticated:
        if request.method == "POST":
            unsent.keep(request, UNSENT, FeedbackForm.Meta.fields)
        return redirect_to_login(request.get_full_path())
    tenant = visited_tenant(request, request.GET.get("tid"))
    if request.method != "POST":
        return _form_page(request, tenant, FeedbackForm(initial=_initial(request, tenant)))
    form = FeedbackForm(request.POST)
    if not form.is_valid():
        return _form_page(request, tenant, form, status=400)
    feedback = form.save(commit=False)
    feedback.tenant, feedback.person = tenant, request.user
    feedback.portal = Feedback.Portal.LEGACY if _on_legacy(request) else Feedback.Portal.DESTINATION
    feedback.save()
    return HttpResponseRedirect(reverse("redirection:feedback_sent", args=[feedback.pk]))


@never_cache
@require_safe
@login_required
def feedback_sent(request: HttpRequest, number: int) -> HttpResponse:
    """The receipt, for the sender only."""
    feedback = get_object_or_404(Feedback, pk=number, person=request.user)
    here = {request.get_host()}
    back = feedback.page if url_has_allowed_host_and_scheme(feedback.page, here) else "/"
    context = {"feedback": feedback, "back_url": back, "base_template": _base(request)}
    return render(request, "redirection/feedback_sent.html", context)


def _form_page(
    request: HttpRequest, tenant: Tenant, form: FeedbackForm, status: int = 200
) -> HttpResponse:
    context = {
        "form": form,
        "base_template": _base(request),
        "unsent_owner": unsent.owner(request, tenant),
    }
    if not _on_legacy(request):
        # There the host names the organisation.
        context |= tenants_shown(request, tenant)
        context["tenant_query"] = f"{urlencode({'about': request.GET.get('about', '')})}&"
    return render(request, "redirection/feedback.html", context, status=status)


def _initial(request: HttpRequest, tenant: Tenant) -> dict[str, str]:
    draft = unsent.take(request, UNSENT, tenant)
    if draft is not None:
        messages.info(request, _("You were signed out. Your text is still here: check and send."))
        return draft
    return {"page": request.GET.get("about", "")[:2000]}


def _on_legacy(request: HttpRequest) -> bool:
    return conf().legacy_hosts.parse(request.get_host()) is not None


def _base(request: HttpRequest) -> str:
    return f"redirection/{'legacy_base' if _on_legacy(request) else 'base'}.html"
