"""In place of Django's pages for signing in and out, and its admin's: redirects to those of the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Optional

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.cache import never_cache

from cloud_hoskie.pages import render_page
from cloud_hoskie.redirects import change_password_url, read_next, sign_in_url, sign_out_url

if TYPE_CHECKING:
    from django.contrib.admin import AdminSite

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
    Redirects to the sign-in page, which leads back to `next`. A signed-in user was sent here for lack of permission:
    for them a redirect would be a loop.
    """
    next_path = read_next(request)
    if request.user.is_authenticated:
        return _no_access(request, next_path)
    return SeeOther(sign_in_url(request, next_path))


@open_to_all
@never_cache
def logout(request: HttpRequest) -> HttpResponse:
    """Redirects to the page that asks and signs out. A POST, which has a CSRF token, also empties this site's session."""
    if request.method == "POST":
        request.session.flush()
    return SeeOther(sign_out_url(request))


@open_to_all
@never_cache
def password_change(request: HttpRequest) -> HttpResponse:
    """Redirects to the page that changes the password."""
    return SeeOther(change_password_url())


def find_admin_view(request: HttpRequest, view: Callable[..., Any]) -> Optional[View]:
    """The replacement for a view of the admin that asks for a Django password or signs out. None: another view."""
    match = request.resolver_match
    if match is None or match.app_names[-1:] != ["admin"]:
        return None
    if match.url_name == "login":
        return never_cache(lambda request: _admin_login(request, _find_admin_site(view)))
    return {"logout": logout, "password_change": password_change}.get(match.url_name or "")


def _admin_login(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Like `login`; the admin says whether the user has permission."""
    next_path = read_next(request, reverse("admin:index", current_app=site.name))
    if site.has_permission(request):
        return SeeOther(next_path)
    if request.user.is_authenticated:
        return _no_access(request, next_path)
    return SeeOther(sign_in_url(request, next_path))


def _find_admin_site(view: Callable[..., Any]) -> AdminSite:
    from django.contrib import admin

    # Its view is a bound method, unless a decorator hides it.
    site = getattr(view, "__self__", None)
    return site if isinstance(site, admin.AdminSite) else admin.site


def _no_access(request: HttpRequest, next_path: str) -> HttpResponse:
    context = {
        "title": "You are signed in, but have no access",
        "paragraphs": [
            f"The account {request.user.get_username()} doesn't have permission to open this page. If you have just"
            " signed in, for example in another window, try again.",
        ],
        "continue_url": next_path,
    }
    return render_page(request, 403, context)
