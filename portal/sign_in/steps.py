"""The steps of a sign-in, in their order: social-auth runs them one after the other."""

from __future__ import annotations

SIGN_IN_STEPS = (
    "social_core.pipeline.social_auth.social_details",
    "social_core.pipeline.social_auth.social_names",
    "social_core.pipeline.social_auth.social_uid",
    "social_core.pipeline.social_auth.auth_allowed",
    # Before anything is written: only a known, enabled tenant gets further.
    "portal.sign_in.pipeline.check_tenant",
    "portal.sign_in.pipeline.refuse_second_identity",
    "social_core.pipeline.social_auth.social_user",
    "portal.sign_in.pipeline.create_person",
    "social_core.pipeline.social_auth.associate_user",
    "social_core.pipeline.social_auth.load_extra_data",
    "portal.sign_in.pipeline.sync_roles",
)
