"""The settings of a site: `HOSKIE_URL`, `HOSKIE_MODE`, `HOSKIE_AUDIENCE` and `HOSKIE_COOKIE_NAME`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Optional

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

MODES = ("ask", "header")
# The service's own default.
COOKIE_NAME = "sessionid"

# An origin as browsers write it (RFC 6454), and what follows it.
ADDRESS = re.compile(r"(https?)://((?:[a-z0-9-]+\.)*[a-z0-9-]+|\[[0-9a-f:]+\])(?::([1-9]\d{0,4}))?(/.*)?")
DEFAULT_PORTS = {"http": "80", "https": "443"}
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")

BASE_PATH = re.compile(r"(?:/[\w~.-]+)*/", re.ASCII)


@dataclass(frozen=True)
class HoskieSettings:
    """Settings that have been checked."""

    origin: str
    """The service's origin (its `PUBLIC_URL`), without a slash at the end."""

    pages_url: str
    """The address below which the service's pages are, with a slash at the end."""

    mode: str
    """`"ask"` or `"header"`."""

    audience: str
    """The site's own origin, without a slash at the end. Empty: see `site_origin`."""

    cookie_name: str
    """The name of the service's session cookie (its `SESSION_COOKIE_NAME`)."""

    def site_origin(self, request: HttpRequest) -> str:
        """`HOSKIE_AUDIENCE`; if that is empty (in ask mode only), the request's, whose host is in `ALLOWED_HOSTS`."""
        return self.audience or f"{request.scheme}://{request.get_host()}"


def get_settings() -> HoskieSettings:
    """Returns the site's settings. Raises `ImproperlyConfigured` if they are malformed, with what to do."""
    problems = find_problems()
    if problems:
        raise ImproperlyConfigured(" ".join(f"{problem.msg} {problem.hint}" for problem in problems))
    origin, path = _split_address(_read("HOSKIE_URL")) or ("", "")
    return HoskieSettings(
        origin=origin,
        pages_url=origin + path,
        mode=_read("HOSKIE_MODE", "ask"),
        audience=_read("HOSKIE_AUDIENCE").rstrip("/"),
        cookie_name=_read("HOSKIE_COOKIE_NAME", COOKIE_NAME),
    )


def find_problems() -> list[CheckMessage]:
    """Says what is wrong with the settings, and what to do about it."""
    found: list[CheckMessage] = []
    if not _is_service_url(_read("HOSKIE_URL")):
        found.append(
            Error(
                "HOSKIE_URL must be the address of the sign-in service.",
                hint='For example HOSKIE_URL = "https://login.example.org": its PUBLIC_URL, followed by its BASE_PATH'
                " unless that is /. http is for localhost, 127.0.0.1 and [::1] only.",
                id="cloud_hoskie.E001",
            )
        )
    mode, audience = _read("HOSKIE_MODE", "ask"), _read("HOSKIE_AUDIENCE")
    if mode not in MODES:
        found.append(
            Error(
                f"HOSKIE_MODE is {mode!r}.",
                hint='Use "ask" if this site asks the service who its visitor is, or "header" if a gate or proxy in'
                " front of it has asked already and sends Hoskie-Jwt-Assertion.",
                id="cloud_hoskie.E002",
            )
        )
    if (audience or mode == "header") and not _is_origin(audience):
        found.append(
            Error(
                "HOSKIE_AUDIENCE must be the origin of this site.",
                hint='For example HOSKIE_AUDIENCE = "https://app.example.org": scheme and host as in the browser,'
                ' the port unless it is the default one, and no path. The mode "header" needs it.',
                id="cloud_hoskie.E003",
            )
        )
    if _read("HOSKIE_COOKIE_NAME", COOKIE_NAME) in ("", settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME):
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


def _read(name: str, default: str = "") -> str:
    value = getattr(settings, name, None)
    return default if value is None else str(value)


def _split_address(address: str) -> Optional[tuple[str, str]]:
    """Splits into an origin and a path with a slash at its end; None: not in the form that browsers use."""
    match = ADDRESS.fullmatch(address)
    if match is None or match[3] == DEFAULT_PORTS[match[1]]:
        return None
    path = match[4] or "/"
    return address[: match.start(4)] if match[4] else address, path if path.endswith("/") else f"{path}/"


def _is_origin(address: str) -> bool:
    parts = _split_address(address)
    return parts is not None and parts[1] == "/"


def _is_service_url(address: str) -> bool:
    parts = _split_address(address)
    if parts is None or BASE_PATH.fullmatch(parts[1]) is None:
        return False
    match = ADDRESS.fullmatch(address)
    return match is not None and (match[1] == "https" or match[2] in LOOPBACK_HOSTS)
