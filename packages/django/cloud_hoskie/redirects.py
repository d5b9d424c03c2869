"""Addresses of the service's pages, with a `next` on this site."""

from __future__ import annotations

from typing import Optional
from urllib.parse import urlencode, urljoin

from django.conf import settings
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.utils.encoding import iri_to_uri
from django.utils.http import url_has_allowed_host_and_scheme

from cloud_hoskie.conf import get_settings

# The service's own limit for `next`.
NEXT_MAX_CHARACTERS = 2000


def sign_in_url(request: HttpRequest, next_path: str) -> str:
    """The service's sign-in page: `LOGIN_URL`, if that is an address below `HOSKIE_URL`, else its default."""
    hoskie = get_settings()
    login_url = resolve_url(settings.LOGIN_URL)
    page = login_url if login_url.startswith(hoskie.pages_url) else f"{hoskie.pages_url}sign-in/"
    return _with_next(page, hoskie.site_origin, next_path)


def sign_out_url(request: HttpRequest) -> str:
    """The service's page that asks and signs out; it leads back to `LOGOUT_REDIRECT_URL` or the site's root."""
    hoskie = get_settings()
    next_path = resolve_url(settings.LOGOUT_REDIRECT_URL or "/")
    return _with_next(f"{hoskie.pages_url}logout/", hoskie.site_origin, next_path)


def change_password_url() -> str:
    return f"{get_settings().pages_url}account/password/"


def read_next(request: HttpRequest, default: Optional[str] = None) -> str:
    """The path (or address) on this site in the field `next`, else the default, else `LOGIN_REDIRECT_URL`."""
    next_path = request.POST.get("next", request.GET.get("next", ""))
    scheme, host = get_settings().site_origin.split("://")
    if url_has_allowed_host_and_scheme(next_path, host, require_https=scheme == "https"):
        return next_path
    return resolve_url(settings.LOGIN_REDIRECT_URL) if default is None else default


def _with_next(page: str, origin: str, next_path: str) -> str:
    address = origin + iri_to_uri(next_path) if next_path.startswith("/") else urljoin(origin, next_path)
    if len(address) > NEXT_MAX_CHARACTERS:
        address = f"{origin}/"
    return f"{page}?{urlencode({'next': address})}"
