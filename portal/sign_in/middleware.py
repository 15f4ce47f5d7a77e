"""One page for every sign-in that fails."""

from __future__ import annotations

import logging
import re
import secrets

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from social_core.exceptions import SocialAuthBaseException
from social_django.middleware import SocialAuthExceptionMiddleware

from portal.sign_in.refusals import TEXTS, Refusal, refusal_of

logger = logging.getLogger(__name__)

_PROVIDER_CODE = re.compile(r"[a-z_]{1,40}\Z")


class SignInErrorMiddleware(SocialAuthExceptionMiddleware):
    """Answers a failed sign-in with what happened, what to do next, and a reference.

    The reference is in the log as well. Tokens, codes and states are in neither.
    """

    def raise_exception(self, request: HttpRequest, exception: Exception) -> bool:
        return False

    def get_redirect_uri(self, request: HttpRequest, exception: Exception) -> None:
        return None

    def render_error(
        self, request: HttpRequest, exception: SocialAuthBaseException
    ) -> HttpResponse:
        backend = getattr(request, "backend", None)
        start_again = getattr(backend, "start_again", None) or reverse("sign_in")
        return refusal_page(request, refusal_of(exception), start_again, exception)


def refusal_page(
    request: HttpRequest,
    refusal: Refusal,
    start_again: str,
    cause: SocialAuthBaseException | None = None,
) -> HttpResponse:
    """The page about ``refusal``, and a line in the log with the same reference."""
    reference = secrets.token_hex(4)
    provider_code = str(getattr(cause, "provider_code", "") or "")
    logger.warning(
        "Sign-in refused: reference=%s refusal=%s code=%s stage=%s claim=%s provider=%s",
        reference,
        refusal,
        getattr(cause, "code", None),
        getattr(cause, "stage", None),
        getattr(cause, "claim", None),
        # It may come from the address of the callback, where anybody can write.
        provider_code if _PROVIDER_CODE.match(provider_code) else None,
    )
    context = {
        "text": TEXTS[refusal],
        "reference": reference,
        "sign_out_first": refusal in (Refusal.SECOND_IDENTITY, Refusal.OPERATOR),
        "start_again": start_again,
    }
    response = render(request, "sign_in/refused.html", context, status=refusal.status)
    add_never_cache_headers(response)
    return response
