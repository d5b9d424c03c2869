from __future__ import annotations

from typing import Any, Callable, Optional

from asgiref.sync import sync_to_async
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.functional import SimpleLazyObject

from cloud_hoskie.conf import get_settings
from cloud_hoskie.pages import render_problem
from cloud_hoskie.problems import IdentityProblem
from cloud_hoskie.views import find_admin_view
from cloud_hoskie.visitor import Visitor

# A cache in front of a view must tell visitors apart by these.
IDENTIFYING_HEADERS = ("Cookie", "Authorization", "Hoskie-Jwt-Assertion")


class HoskieMiddleware(AuthenticationMiddleware):
    """
    Sets `request.user` (and `request.auser`) to the account of the user who is signed in at the service, or to Django's
    `AnonymousUser`. Replaces `AuthenticationMiddleware`, and inherits from it because the admin's checks want one.

    The service is asked when a view, template or other middleware first looks at the user. If that fails, the response
    is a page with status 503 or 403, even if they caught the exception. Any other exception (of the site's database,
    say) is raised again, so that no page takes the visitor for signed out.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        super().__init__(get_response)
        self.settings = get_settings()

    def process_request(self, request: HttpRequest) -> None:
        if not hasattr(request, "session"):
            raise ImproperlyConfigured(
                "HoskieMiddleware needs django.contrib.sessions.middleware.SessionMiddleware before it in MIDDLEWARE."
            )
        visitor = Visitor(request, self.settings)
        request._hoskie_visitor = visitor  # type: ignore[attr-defined]
        request.user = SimpleLazyObject(visitor.get_user)  # type: ignore[assignment]
        request.auser = sync_to_async(visitor.get_user)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> Optional[HttpResponse]:
        admin_view = find_admin_view(request)
        return None if admin_view is None else admin_view(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> Optional[HttpResponse]:
        return render_problem(request, exception) if isinstance(exception, IdentityProblem) else None

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        visitor: Optional[Visitor] = getattr(request, "_hoskie_visitor", None)
        if visitor is None or not visitor.is_resolved:
            return response
        if isinstance(visitor.problem, IdentityProblem):
            response = render_problem(request, visitor.problem)
        elif visitor.problem is not None and response.status_code < 500:
            raise visitor.problem
        elif visitor.problem is None:
            visitor.bind_session()
        patch_vary_headers(response, IDENTIFYING_HEADERS)
        return response
