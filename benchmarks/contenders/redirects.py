"""Redirects by rows of the database: ten thousand rules, and one in the middle is asked for.

Their connections stay open, which is kind to them: a new project opens one for each request.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path

from benchmarks.browsers import DESTINATION, Served
from benchmarks.contenders.bare_django import CONTENT_TYPES, configure, served, store

_COUNT = 10_000
_PAGE = f"/pages/{_COUNT // 2}"


def contrib() -> Served:
    """Django's own: after the 404 of a page that is not there."""
    configure(
        INSTALLED_APPS=[*CONTENT_TYPES, "django.contrib.sites", "django.contrib.redirects"],
        SITE_ID=1,
        MIDDLEWARE=["django.contrib.redirects.middleware.RedirectFallbackMiddleware"],
        DATABASES=store(kept=True),
    )
    from django.contrib.redirects.models import Redirect

    Redirect.objects.bulk_create(
        Redirect(site_id=1, old_path=f"/pages/{n}", new_path=f"{DESTINATION}/new/{n}")
        for n in range(_COUNT)
    )
    return served(_PAGE)


def wagtail() -> Served:
    """Wagtail's: after the 404, too."""
    configure(
        INSTALLED_APPS=[
            *CONTENT_TYPES,
            "django.contrib.sessions",
            "wagtail.contrib.redirects",
            "wagtail.users",
            "wagtail.documents",
            "wagtail.images",
            "wagtail.search",
            "wagtail.admin",
            "wagtail",
            "taggit",
            "modelcluster",
        ],
        STATIC_URL="static/",
        WAGTAIL_SITE_NAME="Peer",
        WAGTAILADMIN_BASE_URL="https://portal.example.com",
        MIDDLEWARE=["wagtail.contrib.redirects.middleware.RedirectMiddleware"],
        DATABASES=store(kept=True),
    )
    from wagtail.contrib.redirects.models import Redirect

    Redirect.objects.bulk_create(
        Redirect(old_path=f"/pages/{n}", redirect_link=f"{DESTINATION}/new/{n}")
        for n in range(_COUNT)
    )
    return served(_PAGE)


def prefixes() -> Served:
    """The longest prefix, found by the database."""
    configure(
        INSTALLED_APPS=["benchmarks.contenders.rows"],
        ROOT_URLCONF=__name__,
        DATABASES=store(kept=True),
    )
    from benchmarks.contenders.rows.models import Prefix

    Prefix.objects.bulk_create(
        Prefix(path=f"/pages/{n}/", target=f"{DESTINATION}/new/{n}/") for n in range(_COUNT)
    )
    return served(f"{_PAGE}/a/b")


def by_prefix(request: HttpRequest, rest: str) -> HttpResponse:
    """A redirect to where the page has gone."""
    from django.db.models import CharField, F, Value
    from django.db.models.functions import Length

    from benchmarks.contenders.rows.models import Prefix

    asked = Value(request.path_info, output_field=CharField())
    found = Prefix.objects.annotate(asked=asked).filter(asked__startswith=F("path"))
    prefix = found.order_by(Length("path").desc())[0]
    return HttpResponseRedirect(prefix.target + request.path_info.removeprefix(prefix.path))


urlpatterns = [path("<path:rest>", by_prefix)]
