"""The models of the app; each module holds one subject."""

from redirection.models.feedback import Feedback, Screenshot
from redirection.models.history import Change, ChangedMeanwhile, Channel, Revision
from redirection.models.link_rules import (
    DeepLinkRule,
    DeepLinkRuleChange,
    DeepLinkRuleUpload,
    DeepLinkRuleUse,
)
from redirection.models.local_role_changes import LocalRoleChange
from redirection.models.local_roles import LastWayIn, LocalRole, LocalRoleChangedMeanwhile
from redirection.models.outbox import DigestSubscription, OutgoingMessage, WebhookEndpoint
from redirection.models.people import RoleSnapshot
from redirection.models.reasons import ReasonKind
from redirection.models.receipts import Receipt
from redirection.models.refusals import Refusal
from redirection.models.session_marks import SessionMark
from redirection.models.step_backs import StepBack, StepBackGrant, StepBackReason
from redirection.models.tenants import Tenant
from redirection.models.traffic import Traffic
from redirection.models.troubles import Answer, Trouble
from redirection.models.unmatched import UnmatchedLink

__all__ = [
    "Answer",
    "Change",
    "ChangedMeanwhile",
    "Channel",
    "DeepLinkRule",
    "DeepLinkRuleChange",
    "DeepLinkRuleUpload",
    "DeepLinkRuleUse",
    "DigestSubscription",
    "Feedback",
    "LastWayIn",
    "LocalRole",
    "LocalRoleChange",
    "LocalRoleChangedMeanwhile",
    "OutgoingMessage",
    "ReasonKind",
    "Receipt",
    "Refusal",
    "Revision",
    "RoleSnapshot",
    "Screenshot",
    "SessionMark",
    "StepBack",
    "StepBackGrant",
    "StepBackReason",
    "Tenant",
    "Traffic",
    "Trouble",
    "UnmatchedLink",
    "WebhookEndpoint",
]
