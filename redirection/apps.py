from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RedirectionConfig(AppConfig):
    name = "redirection"
    verbose_name = _("Portal redirection")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # They register themselves.
        from redirection import checks, embedding_checks  # noqa: F401
