"""Whether a tenant lets its people step back for one task, and the one way that changes."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from redirection.models.history import Change, ChangedMeanwhile, Provenance
from redirection.models.reasons import checked_kind, checked_reason
from redirection.step_backs import LONGEST, SHORTEST

# What the history calls it.
FORBIDDEN = "off"


class StepBackAllowance(models.Model):
    """The part of a tenant that says whether, and for how long, its people may step back."""

    allow_step_back = models.BooleanField(
        _("stepping back is allowed"), default=False, editable=False
    )
    step_back_minutes = models.PositiveSmallIntegerField(
        _("minutes of a step back"), default=60, editable=False
    )
    step_back_since = models.DateTimeField(
        _("stepping back is allowed since"), null=True, editable=False
    )

    class Meta:
        abstract = True

    @property
    def step_back_state(self) -> str:
        """As it stands in the history: "off", or the minutes allowed."""
        return str(self.step_back_minutes) if self.allow_step_back else FORBIDDEN

    def switch_step_back(
        self: Any,
        wanted: str,
        minutes: int | None = None,
        *,
        reason_kind: str,
        reason: str,
        channel: str,
        author: Any = None,
        operator: str = "",
        seen_revision: int | None = None,
    ) -> Change | None:
        """Allow ("on") or forbid ("off") stepping back, and write the history.

        ``minutes`` (15 to 480) is how long one lasts; None leaves it. Forbidding ends those
        that run; other minutes count for new ones. Returns the change, or None if it already
        was so. Raises PermissionDenied if the author may not switch, RolesTooOld,
        ValidationError for a wrong value or a missing reason or kind, and ChangedMeanwhile if
        the tenant is no longer at ``seen_revision``.
        """
        if wanted not in ("on", "off"):
            raise ValidationError({"wanted": _("Choose on or off.")}, code="wanted")
        if minutes is not None and not SHORTEST <= minutes <= LONGEST:
            text = _("Choose %(shortest)d to %(longest)d minutes.")
            limits = {"shortest": SHORTEST, "longest": LONGEST}
            raise ValidationError({"minutes": text % limits}, code="minutes")
        with transaction.atomic():
            revision = self._locked(author, operator)
            before, was_allowed = self.step_back_state, self.allow_step_back
            lasts = minutes or self.step_back_minutes
            after = FORBIDDEN if wanted == "off" else str(lasts)
            if after == before:
                return None
            if seen_revision is not None and seen_revision != self.revision:
                raise ChangedMeanwhile(self.changes.latest())
            by = Provenance(
                checked_reason(reason), channel, author, operator, checked_kind(reason_kind)
            )
            self.allow_step_back = wanted == "on"
            if self.allow_step_back:
                self.step_back_minutes = lasts
            if not was_allowed:
                self.step_back_since = timezone.now()
            self.revision = revision.advance()
            self.save(
                update_fields=[
                    "allow_step_back", "step_back_minutes", "step_back_since", "revision",
                ]
            )  # fmt: skip
            change: Change = self._record("step_back", before, after, by)
            return change
