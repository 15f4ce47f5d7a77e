"""The models of the app; each module holds one subject."""

from redirection.models.feedback import Feedback
from redirection.models.history import Change, ChangedMeanwhile, Channel, Revision
from redirection.models.people import LocalRole, RoleSnapshot
from redirection.models.tenants import Tenant

__all__ = [
    "Change",
    "ChangedMeanwhile",
    "Channel",
    "Feedback",
    "LocalRole",
    "Revision",
    "RoleSnapshot",
    "Tenant",
]
