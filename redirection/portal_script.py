"""The portal script: what it has to know about a page, and its text for foreign portals."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.core.signals import setting_changed
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import condition, require_safe

from redirection.conf import conf
from redirection.counted_links import route_at_first
from redirection.deep_links import UNKNOWN_PAGE, destination_for
from redirection.locations import hand_over_address
from redirection.request_classes import RequestClass
from redirection.visits import Visit

PATH = "/redirection/portal-script.js"
# A new version reaches everybody within minutes; until then, and without this server, the one
# that the browser has does its work.
_CACHE_CONTROL = "public, max-age=300, stale-while-revalidate=86400, stale-if-error=86400"
_FILES = Path(__file__).parent / "static" / "redirection"


def script_context(
    visit: Visit | None, page: str, referrer: str, *, is_page: bool = True
) -> dict[str, Any]:
    """What the tag of the script says about ``page`` (path and query) of ``visit``.

    ``referrer`` is the page before, or its origin. ``is_page`` is False for an error: it is
    counted as no page.
    """
    if visit is None or visit.tenant is None or visit.request_class is RequestClass.EMBEDDED:
        return {"visit": None}
    origin = conf().destination(visit.tenant.cloud)
    # A step back keeps new tabs too, and where no cookie arrives one may run.
    stays = visit.step_back is not None or visit.cookies_unreadable
    moves_tabs = visit.tenant.on and origin and not stays
    # What a form was answered never moves: it would be lost.
    moves_page = visit.page_load or visit.request_class is RequestClass.PASSED_ON
    path = page.partition("?")[0]
    return {
        "visit": visit,
        "since": (
            visit.tenant.since if moves_tabs and moves_page and not visit.is_in_a_loop else None
        ),
        "is_counted": is_page and visit.is_counted,
        "carries_on": _carries_on(referrer, visit),
        "hand_over": f"{origin}{hand_over_address(visit.tenant.tid, page)}",
        # The tenant visited, which is not always the one of the host.
        "page_seen": f"{reverse('redirection:page_seen')}?{urlencode({'tid': visit.tenant.tid})}",
        "is_shell": is_page and route_at_first(destination_for(path)) == UNKNOWN_PAGE,
    }


def _carries_on(referrer: str, visit: Visit) -> bool:
    """Whether the page before was on another host of the same tenant, as the browser says."""
    try:
        name = urlsplit(referrer).netloc
    except ValueError:
        return False
    host = conf().legacy_hosts.parse(name)
    if host is None or visit.host is None or visit.tenant is None or host == visit.host:
        return False
    same = host.tenant == visit.tenant.name or (host.tenant is None and visit.remembered)
    return same and host.domain == visit.host.domain


@dataclass(frozen=True, slots=True)
class ServedScript:
    """The script as one file that needs nothing else, and a mark that changes with it."""

    text: str
    etag: str


@lru_cache(maxsize=1)
def served_script() -> ServedScript:
    """The script for portals that are not ours: it leads to configured destinations only."""
    style = "".join((_FILES / name).read_text() for name in ("banner.css", "foreign.css"))
    destinations = sorted({cloud["destination"] for cloud in conf().clouds.values()})
    # Everything in ASCII, so no character set can change it.
    served = json.dumps({"destinations": destinations, "style": style})
    script = (_FILES / "portal.js").read_text()
    text = f"(function () {{\nvar SERVED = {served};\n{script}}})();\n"
    return ServedScript(text, f'"{hashlib.sha256(text.encode()).hexdigest()[:16]}"')


def _etag(_request: HttpRequest) -> str:
    return served_script().etag


# Called by the middleware, before anything that reads a cookie or the store: it is the same file
# for everybody, and caches may share it.
@require_safe
@gzip_page
@condition(etag_func=_etag)
def serve(request: HttpRequest) -> HttpResponse:
    """The script as one file, under an address that never changes."""
    return HttpResponse(
        served_script().text,
        content_type="text/javascript; charset=utf-8",
        headers={
            "Cache-Control": _CACHE_CONTROL,
            "Cross-Origin-Resource-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
        },
    )


@receiver(setting_changed)
def forget(*, setting: str, **_: object) -> None:
    """``override_settings`` works because the text is put together anew."""
    if setting == "REDIRECTION_CLOUDS":
        served_script.cache_clear()
