"""One address, a page on each side: for projects that serve both portals from one URLconf."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse

from redirection.conf import conf
from redirection.views.step_back import step_back, take_step_back


# Both ask for themselves who somebody is.
@login_not_required
def step_back_by_host(request: HttpRequest) -> HttpResponse:
    """Where somebody asks to step back on the destination; where the grant is taken on legacy."""
    is_legacy = conf().legacy_hosts.parse(request.get_host()) is not None
    return (take_step_back if is_legacy else step_back)(request)
