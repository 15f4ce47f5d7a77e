"""Feature flags: one that is on, asked for by the code that would redirect. No network."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.urls import path

from benchmarks.browsers import Served
from benchmarks.contenders.bare_django import CONTENT_TYPES, configure, constant, served, store

_TENANT = "11111111-1111-4111-8111-111111111111"
_FLAG = "redirection"


def waffle_flag() -> Served:
    """A view that asks; waffle keeps the flag in Django's cache, here in memory."""
    _waffle()
    from waffle.models import Flag

    Flag.objects.create(name=_FLAG, everyone=True)
    return served()


def waffle_switch() -> Callable[[], object]:
    """The question alone."""
    _waffle()
    from waffle import switch_is_active
    from waffle.models import Switch

    Switch.objects.create(name=_FLAG, active=True)
    return _on(lambda: switch_is_active(_FLAG))


def by_flag(request: HttpRequest) -> HttpResponse:
    """The redirect of the floor behind a flag."""
    from waffle import flag_is_active

    return constant(request) if flag_is_active(request, _FLAG) else HttpResponseNotFound()


urlpatterns = [path("audits", by_flag)]


def launchdarkly() -> Callable[[], object]:
    """Data in memory, for a new context each time."""
    import ldclient
    from ldclient.config import Config
    from ldclient.integrations.test_data import TestData

    data = TestData.data_source()
    data.update(data.flag(_FLAG).variation_for_all(True))
    ldclient.set_config(Config("key", update_processor_class=data, send_events=False))
    client = ldclient.get()
    return _on(lambda: client.variation(_FLAG, ldclient.Context.create(_TENANT), False))


def openfeature() -> Callable[[], object]:
    """The provider in memory, for a new context each time."""
    from openfeature import api
    from openfeature.evaluation_context import EvaluationContext
    from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider

    api.set_provider(InMemoryProvider({_FLAG: InMemoryFlag("on", {"on": True, "off": False})}))
    client = api.get_client()
    return _on(lambda: client.get_boolean_value(_FLAG, False, EvaluationContext(_TENANT)))


def unleash() -> Callable[[], object]:
    """Features given at start, asked for with the tenant as the user."""
    from UnleashClient import UnleashClient
    from UnleashClient.cache import FileCache

    cache = FileCache("benchmark", directory=os.environ["BENCHMARK_FOLDER"])
    everyone = {"name": "default", "parameters": {}, "constraints": []}
    feature = {"name": _FLAG, "enabled": True, "strategies": [everyone]}
    cache.bootstrap_from_dict({"version": 2, "features": [feature]})
    client = UnleashClient(
        "http://127.0.0.1:9",
        "benchmark",
        disable_metrics=True,
        disable_registration=True,
        cache=cache,
    )
    client.initialize_client(fetch_toggles=False)
    return _on(lambda: client.is_enabled(_FLAG, {"userId": _TENANT}))


def flagsmith() -> Callable[[], object]:
    """Local evaluation of an environment from a file."""
    from flagsmith import Flagsmith
    from flagsmith.offline_handlers import LocalFileHandler

    file = Path(os.environ["BENCHMARK_FOLDER"]) / "environment.json"
    file.write_text(json.dumps(_ENVIRONMENT))
    client = Flagsmith(offline_mode=True, offline_handler=LocalFileHandler(str(file)))
    return _on(lambda: client.get_identity_flags(_TENANT).is_feature_enabled(_FLAG))


_STATE = {
    "django_id": 1,
    "feature": {"id": 1, "name": _FLAG, "type": "STANDARD"},
    "enabled": True,
    "feature_state_value": None,
    "multivariate_feature_state_values": [],
    "featurestate_uuid": _TENANT,
}
_ENVIRONMENT = {
    "id": 1,
    "name": "benchmark",
    "api_key": "key",
    "updated_at": "2026-01-01T00:00:00+00:00",
    "project": {
        "id": 1,
        "name": "benchmark",
        "organisation": {
            "id": 1,
            "name": "benchmark",
            "feature_analytics": False,
            "stop_serving_flags": False,
            "persist_trait_data": True,
        },
        "hide_disabled_flags": False,
        "segments": [],
    },
    "segment_overrides": [],
    "feature_states": [_STATE],
    "identity_overrides": [],
}


def _waffle() -> None:
    configure(INSTALLED_APPS=[*CONTENT_TYPES, "waffle"], ROOT_URLCONF=__name__, DATABASES=store())


def _on(ask: Callable[[], object]) -> Callable[[], object]:
    if not ask():
        raise SystemExit("The flag is not on.")
    return ask
