"""System checks: what `manage.py check` says about this package's settings."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from cloud_hoskie.conf import COOKIE_NAME, LOOPBACK_HOSTS, MODES, read_setting, split_url

OURS = "cloud_hoskie.middleware.HoskieMiddleware"
DJANGOS = "django.contrib.auth.middleware.AuthenticationMiddleware"


def check_settings(**kwargs: Any) -> list[CheckMessage]:
    return find_problems()


def find_problems() -> list[CheckMessage]:
    """Says what is wrong with the settings, and what to do about it."""
    mode, cookie_name = read_setting("HOSKIE_MODE", "ask"), read_setting("HOSKIE_COOKIE_NAME", COOKIE_NAME)
    found: list[CheckMessage] = []
    if not _is_service_url(read_setting("HOSKIE_URL")):
        found.append(
            Error(
                "HOSKIE_URL must be the address of the sign-in service.",
                hint='For example HOSKIE_URL = "https://login.example.org": its PUBLIC_URL, followed by its BASE_PATH'
                " unless that is /. http is for localhost, 127.0.0.1 and [::1] only.",
                id="cloud_hoskie.E001",
            )
        )
    if mode not in MODES:
        found.append(
            Error(
                f"HOSKIE_MODE is {mode!r}.",
                hint='Use "ask" if this site asks the service who its visitor is, or "header" if a gate or proxy in'
                " front of it has asked already and sends Hoskie-Jwt-Assertion.",
                id="cloud_hoskie.E002",
            )
        )
    origin, path = split_url(read_setting("HOSKIE_SITE_URL"))
    if not origin or path not in ("", "/"):
        found.append(
            Error(
                "HOSKIE_SITE_URL must be the origin of this site.",
                hint='For example HOSKIE_SITE_URL = "https://app.example.org": scheme and host as in the browser, the'
                " port unless it is the default one, and no path.",
                id="cloud_hoskie.E003",
            )
        )
    # A gate keeps the service's cookie to itself.
    if mode == "ask" and cookie_name in ("", settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME):
        found.append(
            Error(
                "HOSKIE_COOKIE_NAME must be the name of the service's session cookie, and of none of this site's.",
                hint="A browser that has both under one name loses one of them. By default both are called sessionid:"
                ' set SESSION_COOKIE_NAME = "site_sessionid" here, or another SESSION_COOKIE_NAME at the service and'
                " that HOSKIE_COOKIE_NAME here.",
                id="cloud_hoskie.E004",
            )
        )
    return found


def _is_service_url(url: str) -> bool:
    parts = urlsplit(split_url(url)[0])
    return parts.scheme == "https" or parts.hostname in LOOPBACK_HOSTS


def check_middleware(**kwargs: Any) -> list[CheckMessage]:
    """A middleware that comes later sets `request.user` last. Without ours, nothing of the package works."""
    order = list(settings.MIDDLEWARE)
    if OURS not in order:
        return [Warning(f"{OURS} isn't in MIDDLEWARE: visitors sign in at this site.", id="cloud_hoskie.W006")]
    if DJANGOS not in order[order.index(OURS) :]:
        return []
    return [
        Error(
            f"{DJANGOS} in MIDDLEWARE overrides {OURS}.",
            hint="Remove it: HoskieMiddleware takes its place.",
            id="cloud_hoskie.E005",
        )
    ]
