"""Addresses of the service's pages, with a `next` on this site."""

from __future__ import annotations

from typing import Optional
from urllib.parse import urlencode, urljoin, urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.utils.encoding import iri_to_uri
from django.utils.http import url_has_allowed_host_and_scheme

from cloud_hoskie.conf import get_settings

# The service's own limit for `next`.
NEXT_MAX_CHARACTERS = 2000


def sign_in_url(next_path: str) -> str:
    """The service's address for Django sites: it redirects to its sign-in page, whatever its `LOGIN_URL` is."""
    return _page_url("accounts/login/", next_path)


def sign_out_url(next_path: Optional[str] = None) -> str:
    """The service's page that asks and signs out; by default it leads back to `LOGOUT_REDIRECT_URL` or the root."""
    return _page_url("logout/", next_path or resolve_url(settings.LOGOUT_REDIRECT_URL or "/"))


def change_password_url() -> str:
    return f"{get_settings().pages_url}account/password/"


def read_next(request: HttpRequest) -> Optional[str]:
    """The path (or address) on this site in the field `next`. None: there is none, or it leads elsewhere."""
    next_path = request.POST.get("next", request.GET.get("next", ""))
    scheme, host = urlsplit(get_settings().site_origin)[:2]
    return next_path if url_has_allowed_host_and_scheme(next_path, host, require_https=scheme == "https") else None


def _page_url(page: str, next_path: str) -> str:
    hoskie = get_settings()
    # urljoin would take the path //x for a host.
    path = iri_to_uri(next_path)
    address = hoskie.site_origin + path if path.startswith("/") else urljoin(hoskie.site_origin, path)
    if len(address) > NEXT_MAX_CHARACTERS:
        address = f"{hoskie.site_origin}/"
    return f"{hoskie.pages_url}{page}?{urlencode({'next': address})}"
