"""Header mode: identity assertions (ES256 JSON Web Tokens) and the keys that verify them."""

from __future__ import annotations

import threading
import time
from functools import lru_cache
from typing import Any, Callable, Optional

import jwt

from cloud_hoskie.conf import HoskieSettings
from cloud_hoskie.problems import InvalidAssertion, ServiceUnavailable
from cloud_hoskie.service import Identity, fetch_keys, logger, parse_user_id

ALGORITHM = "ES256"
CLAIMS = ["iss", "aud", "sub", "preferred_username", "sid", "iat", "exp"]

# How far this site's clock may be ahead of the service's.
LEEWAY_SECONDS = 10

# The service's own Cache-Control for its keys.
KEYS_MAX_AGE_SECONDS = 300.0

# After a search for an unknown key, or a fetch that failed.
RETRY_SECONDS = 1.0


def verify_assertion(assertion: str, settings: HoskieSettings) -> Optional[Identity]:
    """
    Returns the user that an assertion names. None: it has expired, which counts as signed out.

    Raises `InvalidAssertion`, or `ServiceUnavailable` if the keys are out of reach.
    """
    try:
        header = jwt.get_unverified_header(assertion)
        # The same keys sign events, which have another type.
        if header.get("alg") != ALGORITHM or header.get("typ") != "JWT":
            raise jwt.InvalidTokenError("not an identity assertion")
        key = published_keys(settings).find(header.get("kid"))
        if key is None:
            raise jwt.InvalidTokenError("signed by a key that the service doesn't publish")
        claims = jwt.decode(
            assertion,
            key,
            algorithms=[ALGORITHM],
            audience=settings.site_origin,
            issuer=settings.origin,
            leeway=LEEWAY_SECONDS,
            # A clock that is slow must not refuse all of them: `exp` alone bounds the use.
            options={"require": CLAIMS, "verify_iat": False},
        )
        return _parse_identity(claims)
    except jwt.ExpiredSignatureError:
        return None
    # The latter: JSON of thousands of brackets.
    except (jwt.InvalidTokenError, RecursionError) as error:
        logger.warning("Hoskie-Jwt-Assertion refused: %s", error)
        raise InvalidAssertion from error


def _parse_identity(claims: dict[str, Any]) -> Identity:
    user_id, username = parse_user_id(str(claims["sub"])), claims["preferred_username"]
    if user_id is None or not isinstance(username, str) or not username:
        raise jwt.InvalidTokenError("names no user")
    return Identity(user_id, username)


class PublishedKeys:
    """The service's public keys, kept for `KEYS_MAX_AGE_SECONDS`. One thread at a time fetches them."""

    def __init__(self, settings: HoskieSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[str, Any] = {}
        self._fetched_at = self._searched_at = self._failed_at = float("-inf")

    def find(self, kid: Any) -> Optional[Any]:
        """
        Returns the key with this id. An unknown one may be new, so the keys are fetched again, but at most once in
        `RETRY_SECONDS`. None: the service doesn't publish it. Raises `ServiceUnavailable`.
        """
        # A known key doesn't wait for another thread's fetch.
        if not self._is_current(kid):
            with self._lock:
                self._fetch_for(kid)
        return self._keys.get(kid)

    def _is_current(self, kid: Any) -> bool:
        return kid in self._keys and self._clock() - self._fetched_at < KEYS_MAX_AGE_SECONDS

    def _fetch_for(self, kid: Any) -> None:
        now = self._clock()
        if self._is_current(kid) or now - self._searched_at < RETRY_SECONDS:
            return
        if now - self._failed_at < RETRY_SECONDS:
            raise ServiceUnavailable
        is_search = now - self._fetched_at < KEYS_MAX_AGE_SECONDS
        try:
            self._keys = _parse_keys(fetch_keys(self._settings))
        except ServiceUnavailable:
            self._failed_at = self._clock()
            raise
        self._fetched_at = now
        # The first keys of all don't count: the service may have got a new one since.
        if is_search or kid not in self._keys:
            self._searched_at = self._clock()


published_keys = lru_cache(maxsize=None)(PublishedKeys)


def _parse_keys(keys: list[dict[str, Any]]) -> dict[str, Any]:
    found = {}
    for key in keys:
        if (key.get("kty"), key.get("crv")) != ("EC", "P-256") or not isinstance(key.get("kid"), str):
            continue
        try:
            found[key["kid"]] = jwt.PyJWK(key, ALGORITHM).key
        except jwt.PyJWTError as error:
            logger.warning("The sign-in service's key %r can't be read: %s", key["kid"], error)
    return found
