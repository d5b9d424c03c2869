"""
Django's session (a cart, messages) belongs to one user, as with Django's own sign-in: the next one in the same browser
doesn't see it. The owner is kept under Django's own key, so sessions from before the move have one too.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.http import HttpRequest
from django.middleware.csrf import rotate_token


def take_over_session(request: HttpRequest, user: Any) -> None:
    """
    Empties the session if it belongs to another user, and binds it to this one. Both change its key and the CSRF token,
    which another one may know; so this comes before the page is made, which may contain the token.
    """
    session = request.session
    if session.get(SESSION_KEY) not in (None, _owner(user)):
        session.flush()
        rotate_token(request)
    if bind_session(request, user):
        rotate_token(request)


def bind_session(request: HttpRequest, user: Any) -> bool:
    """Makes the session the user's, if there is anything in it and it has no owner. Returns whether it did."""
    session = request.session
    # Django's own sign-in must not find them after a way back: it would take the visitor for signed in.
    for key in (BACKEND_SESSION_KEY, HASH_SESSION_KEY):
        if key in session:
            del session[key]
    if not user.is_authenticated or SESSION_KEY in session or not session.keys():
        return False
    session.cycle_key()
    session[SESSION_KEY] = _owner(user)
    return True


def _owner(user: Any) -> str:
    return user._meta.pk.value_to_string(user) if user.is_authenticated else ""
