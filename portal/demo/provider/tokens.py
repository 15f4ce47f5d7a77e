"""Tokens in the shape of Entra ID (facts on sign-in)."""

from __future__ import annotations

from typing import Any

from django.core.cache import cache
from oauth2_provider.oauth2_validators import OAuth2Validator

from portal.demo.people import BY_UID
from portal.demo.provider import roles, settings


class EntraTokens(OAuth2Validator):
    """What the library asks about clients, grants and claims."""

    # Entra ID puts all claims in, whatever the scope.
    oidc_claim_scope = None

    def get_additional_claims(self, request: Any) -> dict[str, Any]:
        person = BY_UID[request.user.username]
        return {
            "tid": person.tid,
            "oid": person.oid,
            "wids": roles.of(request.user),
            # The session in which the code was given; a refresh token belongs to none.
            **({"sid": sid} if (sid := cache.get(request.code or "")) else {}),
            "name": person.display_name,
            "preferred_username": person.address,
            "ver": "2.0",
        }

    def get_id_token_dictionary(self, token: Any, token_handler: Any, request: Any) -> Any:
        claims, expires = super().get_id_token_dictionary(token, token_handler, request)
        claims["iss"] = f"{settings.ENTRA_AUTHORITY}/{claims['tid']}/v2.0"
        return claims, expires

    def validate_silent_login(self, request: Any) -> bool:
        """With prompt=none; the view has already turned away whoever is not signed in."""
        return True

    def validate_silent_authorization(self, request: Any) -> bool:
        """The administrators of all tenants have approved the portal."""
        return True
