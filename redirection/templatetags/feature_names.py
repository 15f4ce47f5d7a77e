"""The filter for names of features: ``{{ link.feature|feature_name }}``."""

from __future__ import annotations

from django import template

from redirection.feature_names import feature_name

register = template.Library()
register.filter("feature_name", feature_name)
