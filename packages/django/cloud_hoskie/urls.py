"""In place of `django.contrib.auth.urls`: the same names, so that `{% url 'login' %}` goes on working."""

from __future__ import annotations

from django.urls import path

from cloud_hoskie import views

urlpatterns = [
    path("login/", views.login, name="login"),
    path("logout/", views.logout, name="logout"),
    path("password_change/", views.password_change, name="password_change"),
]
