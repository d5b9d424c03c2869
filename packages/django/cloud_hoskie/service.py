"""HTTP to the service: who is this visitor, and which keys sign?"""

from __future__ import annotations

import json
import logging
import os
import re
import time
from collections.abc import Mapping
from typing import Any, Callable, NamedTuple, Optional
from urllib.parse import unquote

import urllib3
from django.http import HttpRequest

from cloud_hoskie import __version__
from cloud_hoskie.conf import HoskieSettings
from cloud_hoskie.problems import ServiceUnavailable

logger = logging.getLogger("cloud_hoskie")

# The service responds within 5 s, whatever happens to its stores; so does a page of this site, then.
TIMEOUT_SECONDS = 4.9
# For each address of the service's name; on Cloudflare a name has up to four.
CONNECT_TIMEOUT_SECONDS = 1.2
FAIL_FAST_SECONDS = 2.0

# What to check, by the status of the response.
HINTS = {
    403: "Is this site's host in the service's ALLOWED_REDIRECT_HOSTS?",
    404: "Does the service have ASSERTION_KEYS and PUBLIC_URL?",
}

# 256 random bits in base64url.
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")

USER_AGENT = f"django-cloud-hoskie/{__version__}"

# Kept-alive connections, shared by all threads. Unlike a session of `requests`, it stores no cookies: those of one
# visitor must not be sent for another.
_connections = urllib3.PoolManager(maxsize=32)
# A process that gunicorn forks after the first request must not write on its parent's connections.
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_connections.clear)


class Outage:
    """
    While the service doesn't respond, no request is sent to it for `FAIL_FAST_SECONDS` after each failure: otherwise
    every worker of the site would wait for it, and public pages would have none.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._fails_fast_until = float("-inf")

    def begin(self) -> None:
        self._fails_fast_until = self._clock() + FAIL_FAST_SECONDS

    def fails_fast(self) -> bool:
        return self._clock() < self._fails_fast_until


_outage = Outage()


# The service's ids are those of a BIGINT column.
MAX_USER_ID = 2**63 - 1


class Identity(NamedTuple):
    """A signed-in user of the service."""

    user_id: int
    """Never given to another user, and never changed."""

    username: str


def parse_user_id(text: str) -> Optional[int]:
    """None: not an id of a user."""
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(MAX_USER_ID)):
        return None
    user_id = int(text)
    return user_id if 0 < user_id <= MAX_USER_ID else None


class Response(NamedTuple):
    status: int
    headers: Mapping[str, str]
    """Names in any case."""
    body: bytes


def find_identity(request: HttpRequest, settings: HoskieSettings) -> Optional[Identity]:
    """
    Asks the service whose cookie or bearer token came with a request, in one round trip. None: the visitor isn't
    signed in. Raises `ServiceUnavailable`, also if the service doesn't know this site (`ALLOWED_REDIRECT_HOSTS`).
    """
    credentials = _credentials(request, settings.cookie_name)
    if not credentials:
        return None
    scheme, host = settings.site_origin.split("://")
    original = {
        "X-Forwarded-Method": "GET",
        "X-Forwarded-Proto": scheme,
        "X-Forwarded-Host": host,
        # The result doesn't depend on the page, so the service needn't know it.
        "X-Forwarded-Uri": "/",
    }
    response = _get(f"{settings.origin}/api/authz/forward-auth", {**credentials, **original})
    # A 401 without it is of a proxy in front of the service, say.
    if response.status == 401 and _problem_code(response) == "not_signed_in":
        return None
    identity = _parse_identity(response.headers) if response.status == 200 else None
    if identity is None:
        raise _unexpected(response)
    return identity


def fetch_keys(settings: HoskieSettings) -> list[dict[str, Any]]:
    """Fetches the JSON Web Keys that the service publishes. Raises `ServiceUnavailable`."""
    response = _get(f"{settings.origin}/.well-known/jwks.json", {})
    try:
        if response.status == 200:
            return [dict(key) for key in json.loads(response.body)["keys"]]
    except (ValueError, TypeError, KeyError):
        pass
    raise _unexpected(response)


def _credentials(request: HttpRequest, cookie_name: str) -> dict[str, str]:
    """
    The service's session cookie (each one, if there are several of that name) and a bearer token. What doesn't look
    like a token of the service (a bearer token of another one, a password in Basic) isn't for it.
    """
    found = {}
    pairs = [pair.strip().partition("=") for pair in request.headers.get("Cookie", "").split(";")]
    tokens = [value for name, _, value in pairs if name == cookie_name and TOKEN.fullmatch(value)]
    if tokens:
        found["Cookie"] = "; ".join(f"{cookie_name}={token}" for token in tokens)
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and TOKEN.fullmatch(token):
        found["Authorization"] = f"Bearer {token}"
    return found


def _parse_identity(headers: Mapping[str, str]) -> Optional[Identity]:
    """None: the headers aren't the service's."""
    user_id = parse_user_id(headers.get("Remote-User-Id", ""))
    try:
        username = unquote(headers.get("Remote-User", ""), errors="strict")
    except UnicodeDecodeError:
        return None
    return Identity(user_id, username) if user_id is not None and username else None


def _get(url: str, headers: dict[str, str]) -> Response:
    if _outage.fails_fast():
        raise ServiceUnavailable
    deadline = time.monotonic() + TIMEOUT_SECONDS

    def send() -> Response:
        left = max(deadline - time.monotonic(), 0.001)
        response = _connections.request(
            "GET",
            url,
            headers={**headers, "Accept": "application/json", "User-Agent": USER_AGENT},
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_SECONDS, total=left),
            retries=False,
            redirect=False,
        )
        return Response(response.status, response.headers, response.data)

    try:
        try:
            return send()
        except urllib3.exceptions.ProtocolError:
            # The service may have closed an idle connection just now. A GET may be sent again.
            return send()
    except urllib3.exceptions.HTTPError as error:
        logger.warning("The sign-in service doesn't respond: %s: %s", url, error)
        _outage.begin()
        raise ServiceUnavailable from error


def _unexpected(response: Response) -> ServiceUnavailable:
    """Logs what came in place of a usable response; a 503 is an outage, anything else a setting."""
    hint = "An outage." if response.status == 503 else HINTS.get(response.status, "Is HOSKIE_URL right?")
    code = _problem_code(response)
    logger.error("Unexpected response from the sign-in service: %s %s. %s", response.status, code, hint)
    return ServiceUnavailable()


def _problem_code(response: Response) -> str:
    """The `code` of a problem (RFC 9457); "-": there is none."""
    try:
        return str(json.loads(response.body)["code"])
    except (ValueError, TypeError, KeyError):
        return "-"
