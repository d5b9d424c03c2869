from __future__ import annotations

from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_page
from django.views.decorators.csrf import csrf_exempt


def public(request: HttpRequest) -> HttpResponse:
    """Shows nothing of the user."""
    return HttpResponse("public")


@login_required
def private(request: HttpRequest) -> HttpResponse:
    user = request.user
    return JsonResponse({"username": user.get_username(), "pk": user.pk, "hoskie_id": user.hoskie_user.hoskie_id})


def template(request: HttpRequest) -> HttpResponse:
    """Django's templates make False of whatever goes wrong in a condition."""
    return render(request, "greeting.html")


def cart(request: HttpRequest) -> HttpResponse:
    """What is in the visitor's session; a POST puts something there."""
    signed_in = request.user.is_authenticated
    if request.method == "POST":
        request.session["cart"] = request.POST["item"]
    return JsonResponse({"signed_in": signed_in, "cart": request.session.get("cart")})


open_cart = csrf_exempt(cart)


@cache_page(60)
def cached(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"Hello {request.user.get_username() or 'stranger'}")


@login_required
def form(request: HttpRequest) -> HttpResponse:
    """A form with Django's own CSRF token."""
    return render(request, "form.html", {"sent": request.POST.get("text")})


@permission_required("auth.add_user")
def staff(request: HttpRequest) -> HttpResponse:
    return HttpResponse("for those who may add users")


async def asynchronous(request: HttpRequest) -> HttpResponse:
    user = await request.auser()
    return HttpResponse(user.get_username() or "signed out")


async def without_await(request: HttpRequest) -> HttpResponse:
    """Wrong: `request.user` may wait for the service."""
    return HttpResponse(request.user.get_username())
