from django.contrib import admin
from django.urls import include, path

from tests.site import views

urlpatterns = [
    path("", views.public),
    path("private/", views.private),
    path("template/", views.template),
    path("cart/", views.cart),
    path("open-cart/", views.open_cart),
    path("cached/", views.cached),
    path("form/", views.form),
    path("staff/", views.staff),
    path("async/", views.asynchronous),
    path("async-without-await/", views.without_await),
    path("accounts/", include("cloud_hoskie.urls")),
    path("admin/", admin.site.urls),
]
