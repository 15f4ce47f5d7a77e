"""The two steps of giving a local role: choose it, then confirm it with a reason."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from redirection.conf import conf
from redirection.forms import ReasonField
from redirection.models import LocalRole, LocalRoleChange, RoleSnapshot, Tenant
from redirection.models.history import NAME_LENGTH
from redirection.role_names import LOCAL_ROLE_CHOICES, local_role_gives
from redirection.standings import object_id_of

NO_ROLE = "none"
# A list somebody can still read; everybody else is named by object id.
MOST_OFFERED = 200
CHOOSE_ROLE = {"required": _("Choose a role."), "invalid_choice": _("Choose a role.")}


def people_of(tenant: Tenant) -> Any:
    """A query set of the people who signed in to the tenant, or have or had a local role in it."""
    signed_in = RoleSnapshot.objects.filter(tenant=tenant).values("person")
    with_role = LocalRole.objects.filter(tenant=tenant).values("person")
    had_one = LocalRoleChange.objects.filter(tenant=tenant).values("person")
    known = Q(pk__in=signed_in) | Q(pk__in=with_role) | Q(pk__in=had_one)
    return get_user_model().objects.filter(known)


class ChooseLocalRoleForm(forms.Form):
    """Who gets which local role: somebody known in the tenant, or an object id."""

    person = forms.ModelChoiceField(
        queryset=get_user_model().objects.none(),
        label=_("Person who has signed in"),
        required=False,
        empty_label=_("Nobody from this list"),
        error_messages={"invalid_choice": _("Choose a person from the list.")},
    )
    object_id = forms.UUIDField(
        label=_("Or object id of somebody in your directory"),
        required=False,
        help_text=_("Such as 1b2c3d4e-0000-4000-8000-000000000001. Their role waits for them."),
        error_messages={"invalid": _("Enter an object id such as its example.")},
    )
    name = forms.CharField(
        label=_("Their name"),
        max_length=NAME_LENGTH,
        required=False,
        help_text=_("Shown until they sign in."),
    )
    role = forms.ChoiceField(label=_("Local role"), error_messages=CHOOSE_ROLE)

    def __init__(self, tenant: Tenant, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tenant = tenant
        fields: dict[str, Any] = self.fields
        fields["person"].queryset = people_of(tenant)
        # A disabled field takes nothing from the request.
        fields["object_id"].disabled = fields["name"].disabled = not conf().invite_path
        fields["role"].choices = [
            ("", _("Choose a role")),
            *((key, f"{name}: {local_role_gives(key)}") for key, name in LOCAL_ROLE_CHOICES),
            (NO_ROLE, _("No local role")),
        ]

    def offer_people(self) -> None:
        """List the people who signed in last, and whoever is chosen already."""
        snapshots = RoleSnapshot.objects.filter(tenant=self.tenant, person__is_active=True)
        newest = snapshots.select_related("person").order_by("-taken_at")[:MOST_OFFERED]
        people = {snapshot.person for snapshot in newest}
        if self.initial.get("person"):
            people.add(self.initial["person"])
        field: Any = self.fields["person"]
        field.choices = [
            ("", field.empty_label),
            *sorted(
                ((person.pk, f"{person} ({object_id_of(person)})") for person in people),
                key=lambda choice: choice[1].casefold(),
            ),
        ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and bool(cleaned["person"]) == bool(cleaned["object_id"]):
            raise forms.ValidationError(_("Choose a person or give an object id, one of both."))
        return cleaned

    @property
    def wanted(self) -> str | None:
        """The local role chosen; None for no role. Only for a valid form."""
        role: str = self.cleaned_data["role"]
        return None if role == NO_ROLE else role


class GiveLocalRoleForm(ChooseLocalRoleForm):
    """What was chosen, with its reason, and the role the person had when it was."""

    reason = ReasonField(
        label=_("Reason"),
        help_text=_("Everybody who may see this page reads it in the history."),
    )
    even_the_last = forms.BooleanField(
        label=_("I know that afterwards nobody here may be able to switch or to give roles."),
        required=False,
    )
    seen_role = forms.CharField(max_length=40, required=False)
    tid = forms.UUIDField()

    def __init__(self, tenant: Tenant, *args: Any, **kwargs: Any) -> None:
        super().__init__(tenant, *args, **kwargs)
        for name in ("person", "object_id", "name", "role", "seen_role", "tid"):
            self.fields[name].widget = forms.HiddenInput()
