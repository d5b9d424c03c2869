"""Why `request.user` can't be had: an outage, a misconfiguration, a conflict. Being signed out is none of these."""

from __future__ import annotations

import shlex

from django.core.exceptions import PermissionDenied


class IdentityProblem(PermissionDenied):
    """
    Raised by `request.user`. `HoskieMiddleware` responds with its page, even if a template or view caught it.

    A `PermissionDenied`, so that Django refuses the request wherever it is raised and doesn't report an error.
    """

    status = 403
    code: str
    title: str
    command = ""

    def __init__(self, *paragraphs: str) -> None:
        super().__init__(paragraphs[0])
        self.paragraphs = paragraphs


class ServiceUnavailable(IdentityProblem):
    """The service, or the page with its keys, doesn't respond as it should."""

    status = 503
    code = "unavailable"
    title = "We can't check your session right now"

    def __init__(self) -> None:
        super().__init__("Please try again in a moment. You don't need to sign in again.")


class InvalidAssertion(IdentityProblem):
    """The `Hoskie-Jwt-Assertion` isn't from the service, or isn't for this site."""

    code = "invalid_assertion"
    title = "We can't confirm who you are"

    def __init__(self) -> None:
        super().__init__(
            "Please reload the page. If that doesn't help, tell the people who run this site.",
            "If you run it: the header Hoskie-Jwt-Assertion is invalid, and the log says why. HOSKIE_URL must be the"
            " service's PUBLIC_URL, HOSKIE_SITE_URL this site's address in the browser, and the clock must be right."
            " The gate or proxy must overwrite what a client sends under that name.",
        )


class AccountConflict(IdentityProblem):
    """An account of this site has the user's id or name, but not both: an operator must decide."""

    code = "account_conflict"
    title = "Your account can't be matched"

    def __init__(self, user_id: int, name: str, what_to_do: str, can_be_linked: bool) -> None:
        super().__init__(
            f"You are signed in as {name}, but it isn't clear which account of this site is yours. Please tell the"
            " people who run this site.",
            f"If you run it: {what_to_do}",
        )
        if can_be_linked:
            self.command = f"python manage.py hoskie_link {user_id} {shlex.quote(name)}"


class AccountInactive(IdentityProblem):
    """The account has `is_active = False` on this site."""

    code = "account_inactive"
    title = "Your account is disabled on this site"

    def __init__(self, username: str) -> None:
        super().__init__(f"You are signed in as {username}. Please ask the people who run this site.")


class NameRefused(IdentityProblem):
    """The site's user model can't hold the name, or would change it."""

    code = "name_refused"
    title = "This site can't have an account of that name"

    def __init__(self, username: str) -> None:
        super().__init__(
            f"You are signed in as {username}. Please tell the people who run this site.",
            "If you run it: the validators of the user model's USERNAME_FIELD refuse the name, or its"
            " normalize_username changes it. Rename the user at the sign-in service, or change the user model.",
        )
