"""What an operator's password must be (OWASP ASVS 5.0, 6.2)."""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

_DJANGO = "django.contrib.auth.password_validation"
# Django's AUTH_PASSWORD_VALIDATORS. Operators have nothing beside their password, so it is long.
VALIDATORS = [
    {"NAME": f"{_DJANGO}.MinimumLengthValidator", "OPTIONS": {"min_length": 15}},
    {"NAME": f"{_DJANGO}.CommonPasswordValidator"},
    {"NAME": "portal.passwords.MoreThanWordsOfTheSite"},
]
# docs/security.md lists the same words.
WORDS = ("portal", "redirection", "operator", "admin", "password", "legacy", "destination")
# So many characters must be left without them: as many as a password has at the very least
# (OWASP ASVS 5.0, 6.2.1).
LEFT = 8
# Shorter words of a name are in too many others.
_SHORTEST = 4


class MoreThanWordsOfTheSite:
    """Refuses a password that is little more than what anybody knows about the site."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raises ValidationError."""
        # Longer words first: a short one may be part of them.
        words = sorted(_words(user), key=len, reverse=True)
        left = re.sub("|".join(map(re.escape, words)), "", password.lower())
        if len(left) < LEFT:
            raise ValidationError(self.get_help_text(), code="password_of_the_site")

    def get_help_text(self) -> str:
        return _(
            "Without the names of the portals, your own name and words such as “admin” or "
            "“portal”, your password must still have %(left)s characters."
        ) % {"left": LEFT}


def _words(user: Any) -> set[str]:
    names = [settings.REDIRECTION_LEGACY_NAME, settings.REDIRECTION_DESTINATION_NAME]
    if user is not None:
        names += [user.get_username(), user.email, user.display_name]
    found = (word for name in names for word in re.findall(r"\w+", name.lower()))
    return {word for word in found if len(word) >= _SHORTEST} | set(WORDS)
