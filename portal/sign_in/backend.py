"""Sign-in with Microsoft Entra ID, as strict as the facts on sign-in ask for.

The library's backend checks signature, issuer and audience; everything here is what it
leaves open, and what no setting may weaken.
"""

from __future__ import annotations

import logging
import time
from dataclasses import asdict
from typing import Any, cast
from urllib.parse import urlencode, urlsplit, urlunsplit

import requests
from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from social_core.backends.azuread_tenant import AzureADV2TenantOAuth2
from social_core.exceptions import (
    AuthConfigurationError,
    AuthResponseError,
    SocialAuthBaseException,
)
from social_django.strategy import DjangoStrategy

from portal.models import Person
from portal.sign_in.addresses import own_address, registered_origin
from portal.sign_in.claims import ClaimRefused, checked
from portal.sign_in.client_assertion import AssertionMissing, client_assertion
from portal.sign_in.identity import tenant_of
from portal.sign_in.role_check import NEEDS_THE_PERSON, RoleCheck

logger = logging.getLogger(__name__)

_NO_SETTING_CHANGES = {
    "USE_PKCE": True,
    "PKCE_CODE_CHALLENGE_METHOD": "S256",
    "JWT_ALGORITHMS": ["RS256"],
    # Seconds two well-kept clocks may differ.
    "JWT_LEEWAY": 10,
}


class EntraBackend(AzureADV2TenantOAuth2[HttpResponse]):
    """OpenID Connect with Entra ID. A person is ``tid:oid``; nothing of a token is kept."""

    name = "entra"
    title = "Microsoft Entra ID"
    LEGACY_ID_KEYS = ()
    # No offline_access: nothing is done in the name of a person who is away.
    DEFAULT_SCOPE = ["openid", "profile"]
    DEFAULT_USE_PKCE = True

    # Set where the roles of somebody signed in are asked for again.
    role_check: RoleCheck | None = None
    # The session at Entra ID that a valid token named.
    sid: object = None

    def setting(self, name: str, default: Any = None) -> Any:
        if name == "ALLOWED_REDIRECT_HOSTS":
            # The tenant host this sign-in began on; the callback is on the bare domain.
            return [urlsplit(self.return_to).netloc] if self.return_to else []
        if name == "VERIFY_SSL":
            return settings.ENTRA_CA_FILE or True
        if name in _NO_SETTING_CHANGES:
            return _NO_SETTING_CHANGES[name]
        return super().setting(name, default)

    @property
    def base_url(self) -> str:
        return f"{settings.ENTRA_AUTHORITY}/{self.tenant_id}"

    @property
    def _request(self) -> HttpRequest:
        return cast("HttpRequest", cast("DjangoStrategy", self.strategy).request)

    # --- Going to Entra ID and coming back ---

    def get_redirect_uri(self, state: str | None = None) -> str:
        path = urlsplit(str(self.redirect_uri)).path
        return registered_origin(self._request) + path

    def auth_params(self, state: str | None = None) -> dict[str, str]:
        params = dict(super().auth_params(state))  # type: ignore[no-untyped-call]
        nonce = self.strategy.random_string(64)
        key = self.transaction_key(str(state))
        transaction = {
            **self.strategy.session_get(key),
            "nonce": nonce,
            # The second round of a check leads back to where the first one began.
            "return_to": self.return_to
            or own_address(self._request, self.data.get(REDIRECT_FIELD_NAME)),
            "role_check": asdict(self.role_check) if self.role_check else None,
        }
        self.strategy.session_set(key, transaction)
        # Whoever signs in by hand may be somebody else than last time.
        prompt = self.role_check.params if self.role_check else {"prompt": "select_account"}
        return {**params, "nonce": nonce, **prompt}

    def auth_complete_params(self, state: str | None = None) -> dict[str, str]:
        params: dict[str, str] = super().auth_complete_params(state)  # type: ignore[no-untyped-call]
        if not params["client_secret"]:
            # The library put an assertion in, and leaves the empty secret.
            del params["client_secret"]
        return params

    def client_assertion(self, *, required: bool = False, stage: Any = "callback") -> str:
        try:
            return client_assertion()
        except AssertionMissing as error:
            logger.error("ENTRA_CLIENT_ASSERTION_FILE: %s", error)
            raise AuthConfigurationError(self, code="missing_setting", stage=stage) from error

    def request(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().request(*args, **kwargs)
        except requests.RequestException:
            raise
        except OSError as error:
            logger.error("ENTRA_CA_FILE: %s", error)
            raise AuthConfigurationError(self, stage=kwargs.get("stage", "unknown")) from error

    def process_error(self, data: Any, *, stage: Any = "callback") -> None:
        if stage == "callback" and data.get("error"):
            # An error is believed only for a sign-in that began in this browser, and ends it.
            self.validate_state()
        super().process_error(data, stage=stage)

    def auth_complete(self, *args: Any, **kwargs: Any) -> Any:
        """The person, or in the first round of a role check the way to the second."""
        try:
            return super().auth_complete(*args, **kwargs)
        except SocialAuthBaseException:
            check = self.role_check
            needs_the_person = self.data.get("error") in NEEDS_THE_PERSON
            if check is None or check.is_asking or not needs_the_person:
                raise
            self.role_check = check.asking()
            return self.start()

    def validate_state(self) -> str | None:
        state = super().validate_state()
        self.role_check = RoleCheck.of(self._oauth2_transaction)
        # Each sign-in leads back to where it began, also when several run in one browser.
        self.strategy.session_set(REDIRECT_FIELD_NAME, self.return_to or "/")
        return state

    @property
    def return_to(self) -> str | None:
        """The address this sign-in began for, once its state is verified."""
        value = (self._oauth2_transaction or {}).get("return_to")
        return value if isinstance(value, str) else None

    @property
    def start_again(self) -> str:
        """The address to try again at, on the host the sign-in began on if that is known."""
        page = reverse("check_roles" if self.role_check else "sign_in")
        if self.return_to is None:
            return page
        address = urlsplit(self.return_to)
        path = urlunsplit(("", "", address.path, address.query, address.fragment))
        query = urlencode({REDIRECT_FIELD_NAME: path})
        return f"{address.scheme}://{address.netloc}{page}?{query}"

    # --- The token ---

    def user_data(self, access_token: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        response = kwargs["response"]
        id_token = response.get("id_token")
        if not isinstance(id_token, str):
            raise self._refused("id_token", "missing_claim")
        claims = self.validate_and_return_id_token(id_token)
        self.sid = claims.get("sid")
        # Only what is signed goes on; the tokens end here.
        response.clear()
        return claims

    def validate_and_return_id_token(self, id_token: str) -> dict[str, Any]:
        """The claims of a valid token, ``tid`` and ``oid`` in lower case.

        Raises AuthResponseError for any other token.
        """
        claims: dict[str, Any] = super().validate_and_return_id_token(id_token)
        nonce = (self._oauth2_transaction or {}).get("nonce")
        try:
            return checked(claims, client_id=self.setting("KEY"), nonce=nonce)
        except ClaimRefused as refused:
            raise self._refused(refused.claim, refused.code) from refused

    def get_id_token_issuer(self, claims: dict[str, Any]) -> str:
        """The issuer as the metadata names it, which must be of the configured authority.

        The library takes any (OpenID Connect Discovery 1.0, 4.3: it is the one that was asked).
        """
        issuer: str = super().get_id_token_issuer(claims)
        if not f"{issuer}/".startswith(f"{settings.ENTRA_AUTHORITY}/"):
            raise self._refused("issuer", "invalid_claim")
        return issuer

    def _refused(self, claim: str, code: str) -> AuthResponseError:
        return AuthResponseError(self, claim=claim, code=code, stage="token_validation")

    # --- The person ---

    def id_key(self) -> str:
        return "tid:oid"

    def get_user_id(self, details: Any, response: dict[str, Any]) -> str:
        return f"{response['tid']}:{response['oid']}"

    def get_legacy_user_identifiers(self, details: Any, response: Any) -> list[tuple[str, str]]:
        return []

    def allow_unverified_legacy_uid_migration(self, old_id_key: str, id_key: str) -> bool:
        return False

    def get_user_details(self, response: dict[str, Any]) -> dict[str, str]:
        """Name and address for display only: both can change and be given to somebody else."""
        return {
            "username": "",
            "fullname": _text(response.get("name")),
            "email": _text(response.get("preferred_username")),
            "first_name": "",
            "last_name": "",
        }

    def extra_data(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return {"auth_time": int(time.time())}

    def get_user(self, user_id: Any) -> Person | None:
        """The person of a session; None as soon as person or tenant is disabled."""
        person = super().get_user(user_id)  # type: ignore[no-untyped-call]
        if not isinstance(person, Person) or not person.is_active or tenant_of(person) is None:
            return None
        return person


def _text(value: object) -> str:
    return "".join(filter(str.isprintable, value)) if isinstance(value, str) else ""
