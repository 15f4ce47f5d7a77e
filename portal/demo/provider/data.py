"""What the stand-in for Entra ID knows: its accounts and the portal's registration."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.db import transaction
from oauth2_provider.models import get_application_model

from portal.demo.people import PEOPLE
from portal.demo.provider import roles, settings


@transaction.atomic
def fill() -> None:
    """Add missing accounts; renew the registration, whose addresses depend on the port."""
    users = get_user_model().objects
    for person in PEOPLE:
        users.get_or_create(username=person.uid, defaults={"password": make_password(None)})
    roles.fill()
    application = get_application_model()
    application.objects.update_or_create(
        client_id=settings.ENTRA_CLIENT_ID,
        defaults={
            "name": "Portal",
            "client_type": application.CLIENT_CONFIDENTIAL,
            "authorization_grant_type": application.GRANT_AUTHORIZATION_CODE,
            "algorithm": application.RS256_ALGORITHM,
            "skip_authorization": True,
            # It is in the environment file as it is; hashing costs each sign-in a second.
            "hash_client_secret": False,
            "client_secret": settings.ENTRA_CLIENT_SECRET,
            "redirect_uris": _addresses("/auth/complete/entra/"),
            "post_logout_redirect_uris": _addresses("/auth/signed-out"),
        },
    )


def _addresses(path: str) -> str:
    return " ".join(f"{portal}{path}" for portal in settings.DEMO_PORTALS)
