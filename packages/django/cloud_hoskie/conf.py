"""The settings of a site: `HOSKIE_URL`, `HOSKIE_SITE_URL`, `HOSKIE_MODE` and `HOSKIE_COOKIE_NAME`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

MODES = ("ask", "header")
# The service's own default.
COOKIE_NAME = "sessionid"

HOST = re.compile(r"(?:[a-z0-9-]+\.)*[a-z0-9-]+|\[[0-9a-f:]+\]")
PATH = re.compile(r"(?:/[\w~.-]+)*/?", re.ASCII)
DEFAULT_PORTS = {"http": 80, "https": 443}
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class HoskieSettings:
    """Settings that have been checked."""

    origin: str
    """The service's origin (its `PUBLIC_URL`), without a slash at the end."""

    pages_url: str
    """The address below which the service's pages are, with a slash at the end."""

    site_origin: str
    """This site's own origin, without a slash at the end."""

    mode: str
    """`"ask"` or `"header"`."""

    cookie_name: str
    """The name of the service's session cookie (its `SESSION_COOKIE_NAME`)."""


@lru_cache(maxsize=None)
def get_settings() -> HoskieSettings:
    """Returns the site's settings. Raises `ImproperlyConfigured` if they are malformed, with what to do."""
    # Not at the top: checks need this module.
    from cloud_hoskie.checks import find_problems

    problems = find_problems()
    if problems:
        raise ImproperlyConfigured(" ".join(f"{problem.msg} {problem.hint}" for problem in problems))
    origin, path = split_url(read_setting("HOSKIE_URL"))
    return HoskieSettings(
        origin=origin,
        pages_url=f"{origin}{path.rstrip('/')}/",
        site_origin=split_url(read_setting("HOSKIE_SITE_URL"))[0],
        mode=read_setting("HOSKIE_MODE", "ask"),
        cookie_name=read_setting("HOSKIE_COOKIE_NAME", COOKIE_NAME),
    )


def _forget_settings(**kwargs: Any) -> None:
    get_settings.cache_clear()


# Sent by `override_settings` in tests.
setting_changed.connect(_forget_settings)


def read_setting(name: str, default: str = "") -> str:
    value = getattr(settings, name, None)
    return default if value is None else str(value)


def split_url(url: str) -> tuple[str, str]:
    """Splits an address into its origin and its path. Two empty strings: it isn't in the form that browsers use."""
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme, parts.hostname or "", parts.port
    except ValueError:
        return "", ""
    if ":" in host:
        host = f"[{host}]"
    origin = f"{scheme}://{host}"
    if port is not None and port != DEFAULT_PORTS.get(scheme):
        origin += f":{port}"
    well_formed = scheme in DEFAULT_PORTS and HOST.fullmatch(host) and PATH.fullmatch(parts.path)
    # They differ if there is a user, a query, a capital letter or the default port.
    return (origin, parts.path) if well_formed and origin + parts.path == url else ("", "")
