from django.contrib import admin
from django.urls import include, path
from django.views.decorators.cache import never_cache

from tests.site import views



class BackOffice(admin.AdminSite):
    """Its sign-in page doesn't say which site it belongs to."""

    def has_permission(self, request):
        return request.user.is_superuser

    @property
    def login(self):
        return never_cache(lambda request, extra_context=None: super(BackOffice, self).login(request, extra_context))


back_office = BackOffice(name="back-office")

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
    path("back-office/", back_office.urls),
]
