"""Pages that visitors see in place of the site's own."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.cache import add_never_cache_headers

from cloud_hoskie.problems import IdentityProblem
from cloud_hoskie.redirects import sign_out_url

RETRY_AFTER_SECONDS = 10


def render_problem(request: HttpRequest, problem: IdentityProblem) -> HttpResponse:
    """A page, or `application/problem+json` (RFC 9457) for a client that doesn't want one."""
    if _wants_page(request):
        response = render_page(
            problem.status,
            {"title": problem.title, "paragraphs": problem.paragraphs, "command": problem.command},
        )
    else:
        response = JsonResponse(
            {"type": "about:blank", "title": problem.title, "status": problem.status, "code": problem.code},
            status=problem.status,
            content_type="application/problem+json",
        )
    if problem.status == 503:
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    add_never_cache_headers(response)
    return response


def render_page(status: int, context: dict[str, Any]) -> HttpResponse:
    """
    Renders `cloud_hoskie/problem.html`, which a site may override. The template gets no request: a context processor
    might look at `request.user` again.
    """
    if status == 403:
        context = {**context, "sign_out_url": sign_out_url()}
    return HttpResponse(render_to_string("cloud_hoskie/problem.html", context), status=status)


def _wants_page(request: HttpRequest) -> bool:
    """A browser that opens one says so; an old one only accepts it by name. The service decides likewise."""
    mode = request.headers.get("Sec-Fetch-Mode")
    return "text/html" in request.headers.get("Accept", "") if mode is None else mode == "navigate"
