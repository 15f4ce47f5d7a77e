"""Sign-in with Microsoft Entra ID, as strict as the facts on sign-in ask for.

The library's backend checks signature, issuer and audience; everything here is what it
leaves open, and what no setting may weaken.
"""

from __future__ import annotations

import time
from typing import Any, cast
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from social_core.backends.azuread_tenant import AzureADV2TenantOAuth2
from social_core.exceptions import AuthResponseError
from social_django.strategy import DjangoStrategy

from portal.models import Person
from portal.sign_in.addresses import own_address, registered_origin
from portal.sign_in.identity import canonical_uuid, tenant_of

ISSUED_AT_MOST_SECONDS_AGO = 600
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

    def setting(self, name: str, default: Any = None) -> Any:
        if name == "ALLOWED_REDIRECT_HOSTS":
            # The tenant host this sign-in began on; the callback is on the bare domain.
            return [urlsplit(self.return_to).netloc] if self.return_to else []
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
            "return_to": own_address(self._request, self.data.get(REDIRECT_FIELD_NAME)),
        }
        self.strategy.session_set(key, transaction)
        # Whoever signs in by hand may be somebody else than last time.
        return {**params, "nonce": nonce, "prompt": "select_account"}

    def validate_state(self) -> str | None:
        state = super().validate_state()
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
        """The address of the sign-in page, on the host the sign-in began on if that is known."""
        page = reverse("sign_in")
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
        # Only what is signed goes on; the tokens end here.
        response.clear()
        return claims

    def validate_and_return_id_token(self, id_token: str) -> dict[str, Any]:
        """The claims of a valid token, ``tid`` and ``oid`` in lower case.

        Raises AuthResponseError for any other token.
        """
        claims: dict[str, Any] = super().validate_and_return_id_token(id_token)
        client_id = self.setting("KEY")
        for claim in ("exp", "iat"):
            if type(claims.get(claim)) is not int:
                raise self._refused(claim, "missing_claim")
        if not isinstance(claims.get("sub"), str) or not claims["sub"]:
            raise self._refused("sub", "missing_claim")
        # One audience, and it is this portal: the library also takes a list with others in it.
        if claims.get("aud") != client_id or not client_id:
            raise self._refused("aud")
        if claims.get("azp", client_id) != client_id:
            raise self._refused("azp")
        if claims.get("ver") != "2.0":
            raise self._refused("ver")
        if time.time() - claims["iat"] > ISSUED_AT_MOST_SECONDS_AGO:
            raise self._refused("iat", "response_expired")
        self._check_nonce(claims.get("nonce"))
        for claim in ("tid", "oid"):
            canonical = canonical_uuid(claims.get(claim))
            if canonical is None:
                raise self._refused(claim)
            claims[claim] = canonical
        return claims

    def _check_nonce(self, nonce: object) -> None:
        expected = (self._oauth2_transaction or {}).get("nonce")
        if (
            not isinstance(nonce, str)
            or not isinstance(expected, str)
            or not constant_time_compare(nonce, expected)
        ):
            raise self._refused("nonce", "nonce_mismatch")

    def _refused(self, claim: str, code: str = "invalid_claim") -> AuthResponseError:
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
