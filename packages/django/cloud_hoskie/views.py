"""In place of Django's pages for signing in and out, and its admin's: redirects to those of the service."""

from __future__ import annotations

from typing import Callable, Optional

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import reverse
from django.views.decorators.cache import never_cache

from cloud_hoskie.pages import render_page
from cloud_hoskie.redirects import change_password_url, read_next, sign_in_url, sign_out_url

View = Callable[[HttpRequest], HttpResponse]


class SeeOther(HttpResponseRedirect):
    """The browser follows with a GET, also after a POST."""

    status_code = 303


def open_to_all(view: View) -> View:
    """For Django's `LoginRequiredMiddleware`, whose own decorator is there from 5.1."""
    setattr(view, "login_required", False)
    return view


@open_to_all
@never_cache
def login(request: HttpRequest) -> HttpResponse:
    """
    Redirects to the sign-in page, which leads back to `next`. A signed-in user whom `next` sent here lacks permission:
    for them a redirect would be a loop.
    """
    next_path = read_next(request)
    return _sign_in(request, next_path or resolve_url(settings.LOGIN_REDIRECT_URL), lambda: next_path is None)


@open_to_all
@never_cache
def logout(request: HttpRequest) -> HttpResponse:
    """Redirects to the page that asks and signs out. A POST, which has a CSRF token, also empties this site's session."""
    if request.method == "POST":
        request.session.flush()
    return SeeOther(sign_out_url(read_next(request)))


@open_to_all
@never_cache
def password_change(request: HttpRequest) -> HttpResponse:
    """Redirects to the page that changes the password."""
    return SeeOther(change_password_url())


def find_admin_view(request: HttpRequest) -> Optional[View]:
    """The replacement for a view of the admin that asks for a Django password or signs out. None: another view."""
    match = request.resolver_match
    if match is None or match.app_names[-1:] != ["admin"]:
        return None
    return {"login": _admin_login, "logout": logout, "password_change": password_change}.get(match.url_name or "")


@never_cache
def _admin_login(request: HttpRequest) -> HttpResponse:
    from django.contrib.admin import sites

    match = request.resolver_match
    assert match is not None
    # Two may have one name, but a user whom one of them sends back here must not loop.
    admins = [site for site in sites.all_sites if site.name == match.namespaces[-1]]

    def may_enter() -> bool:
        return bool(admins) and all(site.has_permission(request) for site in admins)

    return _sign_in(request, read_next(request) or reverse(f"{match.namespace}:index"), may_enter)


def _sign_in(request: HttpRequest, next_path: str, may_enter: Callable[[], bool]) -> HttpResponse:
    if not request.user.is_authenticated:
        return SeeOther(sign_in_url(next_path))
    return SeeOther(next_path) if may_enter() else _no_access(request, next_path)


def _no_access(request: HttpRequest, next_path: str) -> HttpResponse:
    context = {
        "title": "You are signed in, but have no access",
        "paragraphs": [
            f"The account {request.user.get_username()} doesn't have permission to open this page. If you have just"
            " signed in, for example in another window, try again.",
        ],
        "continue_url": next_path,
    }
    return render_page(403, context)
