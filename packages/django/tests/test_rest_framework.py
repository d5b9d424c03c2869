from unittest import skipUnless

from django.http import HttpRequest, JsonResponse
from django.test import override_settings
from django.urls import path

from tests.support.case import HoskieTestCase

try:
    from rest_framework.authentication import SessionAuthentication
    from rest_framework.decorators import api_view, authentication_classes, permission_classes
    from rest_framework.permissions import IsAuthenticated
except ImportError:
    urlpatterns = []
else:
    # As in README.md.
    class HoskieAuthentication(SessionAuthentication):
        """Cookies, with Django's CSRF protection, and bearer tokens, which need none."""

        def enforce_csrf(self, request):
            if not request.headers.get("Authorization", "").lower().startswith("bearer "):
                super().enforce_csrf(request)

        def authenticate_header(self, request):
            return "Bearer"

    @api_view(["GET", "POST"])
    @authentication_classes([HoskieAuthentication])
    @permission_classes([IsAuthenticated])
    def who(request: HttpRequest) -> JsonResponse:
        return JsonResponse({"username": request.user.get_username()})

    urlpatterns = [path("who/", who)]


@skipUnless(urlpatterns, "Django REST framework is not installed")
@override_settings(ROOT_URLCONF=__name__, REST_FRAMEWORK={"DEFAULT_RENDERER_CLASSES": []})
class RestFrameworkTest(HoskieTestCase):
    def setUp(self):
        super().setUp()
        self.api = self.client_class(enforce_csrf_checks=True, HTTP_ACCEPT="application/json")

    def test_a_bearer_token_needs_no_csrf_token(self):
        bearer = {"HTTP_AUTHORIZATION": f"Bearer {self.service.sign_in(7, 'alice')}"}
        self.assertEqual(self.api.post("/who/", **bearer).json(), {"username": "alice"})

    def test_a_cookie_does(self):
        self.sign_in(7, "alice", self.api)
        self.assertEqual(self.api.get("/who/").json(), {"username": "alice"})
        self.assertEqual(self.api.post("/who/").status_code, 403)
        self.assertEqual(self.api.post("/who/", HTTP_AUTHORIZATION="Basic YTpi").status_code, 403)

    def test_signed_out_is_401_and_an_outage_503(self):
        response = self.api.get("/who/")
        self.assertEqual((response.status_code, response["WWW-Authenticate"]), (401, "Bearer"))
        self.sign_in(7, "alice", self.api)
        self.service.status = 503
        with self.assertLogs("cloud_hoskie"):
            self.assertEqual(self.api.get("/who/").status_code, 503)
