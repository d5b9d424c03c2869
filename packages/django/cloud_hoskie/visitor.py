"""Who made a request."""

from __future__ import annotations

from typing import Any, Optional, Union

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils.asyncio import async_unsafe

from cloud_hoskie.accounts import find_or_create_user
from cloud_hoskie.assertion import verify_assertion
from cloud_hoskie.conf import HoskieSettings
from cloud_hoskie.service import Identity, find_identity
from cloud_hoskie.sessions import bind_session, take_over_session

User = Union[AbstractBaseUser, AnonymousUser]


class Visitor:
    """Found out at most once a request, and only if something looks at `request.user`."""

    def __init__(self, request: HttpRequest, settings: HoskieSettings) -> None:
        self._request = request
        self._settings = settings
        self._user: Optional[User] = None
        self.problem: Optional[Exception] = None
        """Why it couldn't be found out. It is kept, as a template or view may have caught it."""

    @property
    def is_resolved(self) -> bool:
        return self._user is not None or self.problem is not None

    def get_user(self) -> User:
        """Raises an `IdentityProblem` or whatever else goes wrong (in the site's database, say), the same each time."""
        if self.problem is not None:
            raise self.problem
        if self._user is None:
            try:
                self._user = self._find_user()
            except Exception as problem:
                self.problem = problem
                raise
            finally:
                if self._user is None or self._user.is_authenticated:
                    # `cache_page` would show the page to others.
                    self._request._cache_update_cache = False  # type: ignore[attr-defined]
        return self._user

    def bind_session(self) -> None:
        if self._user is not None:
            bind_session(self._request, self._user)

    # In a view that is asynchronous, `request.user` would block all others.
    @async_unsafe
    def _find_user(self) -> User:
        identity = self._find_identity()
        user = AnonymousUser() if identity is None else find_or_create_user(identity)
        # A gate doesn't ask on its public paths: there, no assertion doesn't mean signed out.
        if identity is not None or self._settings.mode == "ask":
            take_over_session(self._request, user)
        return user

    def _find_identity(self) -> Optional[Identity]:
        if self._settings.mode == "ask":
            return find_identity(self._request, self._settings)
        assertion = self._request.headers.get("Hoskie-Jwt-Assertion")
        return None if assertion is None else verify_assertion(assertion, self._settings)
