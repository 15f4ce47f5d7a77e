"""Whole addresses of legacy pages. Pure but for the settings it is given."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.utils.encoding import iri_to_uri

from redirection.conf import Conf
from redirection.link_parts import joined
from redirection.step_backs import legacy_origin


def address_for(settings: Conf, cloud: str, name: str, page: str) -> str | None:
    """``page`` (path, query and fragment) on the legacy host of the tenant ``name``.

    None where the cloud is not configured.
    """
    origin = legacy_origin(settings, cloud, name)
    return origin and f"{origin}{iri_to_uri(page)}"


def address_without_name(settings: Conf, cloud: str, tid: str, page: str) -> str | None:
    """``page`` on the domain itself, with ``tid``: for whoever need not learn the tenant's name.

    Facts on the portals, "Hosts": there ``tid`` names the tenant visited. None where the cloud
    is not configured.
    """
    entry = settings.clouds.get(cloud)
    if entry is None:
        return None
    destination = urlsplit(entry["destination"])
    port = f":{destination.port}" if destination.port else ""
    address, sign, fragment = page.partition("#")
    path, _, query = address.partition("?")
    page = f"{path}?{joined(f'tid={tid}', query)}{sign}{fragment}"
    return f"{destination.scheme}://{entry['legacy'][0]}{port}{iri_to_uri(page)}"
