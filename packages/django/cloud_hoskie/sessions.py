"""
Django's session (a cart, messages) belongs to one user, as with Django's own sign-in: the next one in the same browser
doesn't see it, nor does an anonymous visitor. The owner is kept under Django's own key, so sessions from before the move have one too.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest


def flush_foreign_session(request: HttpRequest, user: Any) -> None:
    """Empties the session if it belongs to another user."""
    session = getattr(request, "session", None)
    if session is not None and session.get(SESSION_KEY) not in (None, _owner(user)):
        session.flush()


def bind_session(request: HttpRequest, user: Any) -> None:
    """Marks the session as the user's, if there is anything in it."""
    session = getattr(request, "session", None)
    if session is not None and user.is_authenticated and SESSION_KEY not in session and session.keys():
        session[SESSION_KEY] = _owner(user)


def _owner(user: Any) -> str:
    return user._meta.pk.value_to_string(user) if user.is_authenticated else ""
