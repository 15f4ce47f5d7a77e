"""Why a sign-in was refused, and what the person can do about it."""

from __future__ import annotations

from enum import StrEnum
from http import HTTPStatus
from typing import Any, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from social_core.exceptions import (
    AuthAssociationError,
    AuthCanceled,
    AuthCredentialError,
    AuthInputError,
    AuthPolicyError,
    AuthProviderError,
    AuthSessionError,
    SocialAuthBaseException,
)


class Refusal(StrEnum):
    """The name of a refusal in the log; its texts are in ``TEXTS``."""

    UNKNOWN_TENANT = "unknown_tenant"
    DISABLED_TENANT = "disabled_tenant"
    PERSONAL_ACCOUNT = "personal_account"
    DISABLED_PERSON = "disabled_person"
    SECOND_IDENTITY = "second_identity"
    PROVIDER_DOWN = "provider_down"
    NO_CONSENT = "no_consent"
    STATE_LOST = "state_lost"
    CLOCK = "clock"
    OPERATOR = "operator"
    FAILED = "failed"

    @property
    def status(self) -> HTTPStatus:
        return HTTPStatus.BAD_GATEWAY if self is Refusal.PROVIDER_DOWN else HTTPStatus.FORBIDDEN


class Text(NamedTuple):
    """One sentence on what happened, one on what to do next."""

    reason: str | Promise
    next_step: str | Promise


TEXTS = {
    Refusal.UNKNOWN_TENANT: Text(
        _("Your organisation is not set up in this portal."),
        _("Sign in with another account, or ask your administrator to have it added."),
    ),
    Refusal.DISABLED_TENANT: Text(
        _("Your organisation is turned off in this portal."),
        _("Sign in with another account, or ask your administrator."),
    ),
    Refusal.PERSONAL_ACCOUNT: Text(
        _("Personal Microsoft accounts cannot be used here."),
        _("Sign in with the account your organisation gave you."),
    ),
    Refusal.DISABLED_PERSON: Text(
        _("Your account is turned off in this portal."),
        _("Sign in with another account, or ask your administrator."),
    ),
    Refusal.SECOND_IDENTITY: Text(
        _("Somebody else is already signed in in this browser."),
        _("Sign out first, then sign in again."),
    ),
    Refusal.PROVIDER_DOWN: Text(
        _("Microsoft Entra ID did not answer."),
        _("Wait a minute, then sign in again."),
    ),
    Refusal.NO_CONSENT: Text(
        _("Signing in was cancelled, or your organisation has not approved this portal."),
        _("Sign in again, or ask your administrator to approve the portal."),
    ),
    Refusal.STATE_LOST: Text(
        _("This sign-in began too long ago, in another browser, or was already used."),
        _("Sign in again."),
    ),
    Refusal.CLOCK: Text(
        _("The answer of Microsoft Entra ID came too late, or its clock and ours disagree."),
        _("Sign in again; if that does not help, give your administrator the reference."),
    ),
    Refusal.OPERATOR: Text(
        _("You signed in with a password, so there are no roles to ask for."),
        _("Sign out, then sign in with the account your organisation gave you."),
    ),
    Refusal.FAILED: Text(
        _("Your sign-in could not be verified."),
        _("Sign in again; if that does not help, give your administrator the reference."),
    ),
}


class SignInRefused(AuthPolicyError):
    """This portal does not let the person in, though the provider does."""

    def __init__(self, backend: Any, refusal: Refusal) -> None:
        super().__init__(backend, stage="pipeline")
        self.refusal = refusal


def refusal_of(error: SocialAuthBaseException) -> Refusal:
    """The refusal that tells a person about ``error``."""
    match error:
        case SignInRefused():
            return error.refusal
        case AuthAssociationError(code="identity_in_use"):
            return Refusal.SECOND_IDENTITY
        case AuthCanceled():
            return Refusal.NO_CONSENT
        case AuthProviderError(
            provider_code="consent_required" | "interaction_required", stage="callback"
        ):
            return Refusal.NO_CONSENT
        case AuthProviderError(stage="callback", code="http_error"):
            # An error code in the address of the callback: Entra ID did answer.
            return Refusal.FAILED
        case AuthProviderError():
            return Refusal.PROVIDER_DOWN
        case AuthSessionError() | AuthInputError() | AuthCredentialError():
            return Refusal.STATE_LOST
        case SocialAuthBaseException(code="malformed_response"):
            return Refusal.PROVIDER_DOWN
        case SocialAuthBaseException(code="response_expired" | "response_not_yet_valid"):
            return Refusal.CLOCK
        case _:
            return Refusal.FAILED
