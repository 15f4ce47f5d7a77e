"""Operators ask why a request stays or goes."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.decorators import login_not_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from redirection.explain_forms import ExplainForm
from redirection.explanation_texts import parts_of
from redirection.explanations import explain

# Everything but the cookie, which must never stand in an address.
LINKED = ("url", "tenant", "at", "visitor", "method", "header")


# Whoever is no operator is sent to the sign-in of the operator pages below.
@login_not_required
@never_cache
# Both may hold somebody's session; an error report keeps them out.
@sensitive_post_parameters("cookie", "header")
@sensitive_variables("given", "data")
@require_http_methods(["GET", "HEAD", "POST"])
@staff_member_required
@permission_required("redirection.view_change", raise_exception=True)
def explain_decision(request: HttpRequest) -> HttpResponse:
    """The form, and the explanation of what it asks; ``?url=`` asks as well."""
    given = request.POST if request.method == "POST" else request.GET
    form, status = ExplainForm(), HTTPStatus.OK
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": _("Explain a decision"),
        "form": form,
    }
    if request.method == "POST" or "url" in request.GET:
        data = {name: given.get(name, "") for name in LINKED}
        if request.method == "POST":
            data["cookie"] = given.get("cookie", "")
        form = context["form"] = ExplainForm(data)
        if form.is_valid():
            context["parts"] = parts_of(explain(form.question), at_is_naive=form.at_is_naive)
            asked = {name: value for name, value in data.items() if value and name != "cookie"}
            context["permalink"] = f"{request.path}?{urlencode(asked)}"
        else:
            status = HTTPStatus.BAD_REQUEST
    return render(request, "admin/redirection/explain.html", context, status=status)
