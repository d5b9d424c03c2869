"""System checks: what `manage.py check` says about this package's settings."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

from cloud_hoskie.conf import find_problems

OURS = "cloud_hoskie.middleware.HoskieMiddleware"
DJANGOS = "django.contrib.auth.middleware.AuthenticationMiddleware"


def check_settings(**kwargs: Any) -> list[CheckMessage]:
    return find_problems()


def check_middleware(**kwargs: Any) -> list[CheckMessage]:
    """A middleware that comes later sets `request.user` last."""
    order = list(settings.MIDDLEWARE)
    if OURS not in order or DJANGOS not in order[order.index(OURS) :]:
        return []
    return [
        Error(
            f"{DJANGOS} in MIDDLEWARE overrides {OURS}.",
            hint="Remove it: HoskieMiddleware takes its place.",
            id="cloud_hoskie.E005",
        )
    ]
