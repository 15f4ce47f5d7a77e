"""What a page of the site may load, and where its forms may lead."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from csp.constants import NONE, SELF


def content_security_policy(form_targets: Iterable[str]) -> dict[str, Any]:
    """The value of ``CONTENT_SECURITY_POLICY``; ``form_targets`` are origins beside the own."""
    return {
        "DIRECTIVES": {
            "default-src": [NONE],
            "script-src": [SELF],
            "style-src": [SELF],
            "img-src": [SELF],
            "font-src": [SELF],
            "connect-src": [SELF],
            # Signing in and out are forms whose answer leads to the provider, and from a tenant
            # host back over the one address of the domain that the provider knows. Browsers hold
            # the whole chain against this list, and after a form the chain may end over there.
            "form-action": [SELF, *form_targets],
            "base-uri": [NONE],
            "frame-ancestors": [NONE],
        }
    }
