from unittest import mock

from django.conf import settings
from django.db import IntegrityError, OperationalError
from django.db.models import QuerySet
from django.test import AsyncClient, override_settings

from cloud_hoskie import service
from tests.support.case import HoskieTestCase


class OutageTest(HoskieTestCase):
    def setUp(self):
        super().setUp()
        self.sign_in(7, "alice")

    def assert_unavailable(self, response):
        self.assert_refused(response, 503, "We can't check your session right now")
        self.assertEqual(response["Retry-After"], "10")
        self.assertNotIn("sessionid", response.cookies)

    def test_a_page_that_does_not_look_at_the_user_stays_up_and_does_not_wait(self):
        self.service.go_on.clear()
        self.assertContains(self.client.get("/"), "public")
        self.assertEqual(self.service.requests, [])

    def test_a_visitor_without_a_session_cookie_notices_nothing(self):
        self.client.cookies.pop("sessionid")
        self.service.status = 503
        self.assertContains(self.client.get("/template/"), "stranger")

    def test_a_page_that_looks_is_unavailable_and_works_again_afterwards(self):
        self.service.status = 503
        with self.assertLogs("cloud_hoskie"):
            self.assert_unavailable(self.client.get("/private/"))
        self.service.status = None
        self.assertEqual(self.client.get("/private/").status_code, 200)

    def test_a_template_that_makes_false_of_errors_does_not_say_signed_out(self):
        self.service.status = 503
        with self.assertLogs("cloud_hoskie"):
            response = self.client.get("/template/")
        self.assert_unavailable(response)
        self.assertNotContains(response, "stranger", status_code=503)
        self.assertEqual(len(self.service.requests), 1)

    def test_neither_does_it_if_the_database_of_the_site_is_out(self):
        self.client.raise_request_exception = False
        for error in (OperationalError("gone"), IntegrityError("email"), RuntimeError("a receiver of the site")):
            with self.subTest(error), mock.patch.object(QuerySet, "first", side_effect=error):
                with self.assertLogs("django.request", "ERROR"):
                    response = self.client.get("/template/")
                self.assertEqual(response.status_code, 500)
                self.assertNotContains(response, "stranger", status_code=500)

    def test_an_error_of_the_site_is_reported_once(self):
        self.client.raise_request_exception = False
        with mock.patch.object(QuerySet, "first", side_effect=OperationalError("gone")):
            with self.assertLogs("django.request", "ERROR") as logs:
                self.assertEqual(self.client.get("/private/").status_code, 500)
        self.assertEqual(len(logs.records), 1)

    @override_settings(MIDDLEWARE=[*settings.MIDDLEWARE, "tests.site.middleware.greet_user"])
    def test_a_middleware_of_the_site_that_looks_is_unavailable_too(self):
        self.assertEqual(self.client.get("/")["Greeting"], "alice")
        self.service.status = 503
        with self.assertLogs("cloud_hoskie"):
            self.assert_unavailable(self.client.get("/"))

    def test_a_service_that_hangs_is_waited_for_only_so_long(self):
        self.service.go_on.clear()
        with mock.patch.object(service, "TIMEOUT_SECONDS", 0.2), self.assertLogs("cloud_hoskie"):
            self.assert_unavailable(self.client.get("/private/"))
        self.assertEqual(len(self.service.requests), 1)

    def test_then_it_is_not_waited_for_again_at_once(self):
        self.service.go_on.clear()
        with mock.patch.object(service, "TIMEOUT_SECONDS", 0.2), self.assertLogs("cloud_hoskie") as logs:
            for _ in range(5):
                self.assert_unavailable(self.client.get("/private/"))
        self.assertEqual((len(self.service.requests), len(logs.records)), (1, 1))
        self.service.go_on.set()
        self.now += service.FAIL_FAST_SECONDS
        self.assertEqual(self.client.get("/private/").status_code, 200)

    def test_a_service_that_is_gone_is_an_outage(self):
        self.service.close()
        with self.assertLogs("cloud_hoskie"):
            self.assert_unavailable(self.client.get("/private/"))

    def test_a_service_that_closes_each_connection_is_an_outage(self):
        self.service.dropped_requests = 9
        with self.assertLogs("cloud_hoskie"):
            self.assert_unavailable(self.client.get("/private/"))
        self.assertEqual(len(self.service.requests), 2)

    def test_whatever_else_comes_is_an_outage_too(self):
        for status in (204, 301, 302, 303, 400, 401, 403, 404, 429, 500, 502):
            with self.subTest(status), self.assertLogs("cloud_hoskie"):
                self.service.status = status
                self.assert_unavailable(self.client.get("/private/"))

    def test_200_without_a_user_is_an_outage(self):
        self.service.status = 200
        with self.assertLogs("cloud_hoskie"):
            self.assert_unavailable(self.client.get("/private/"))

    def test_a_token_is_in_no_log(self):
        self.service.status = 500
        with self.assertLogs("cloud_hoskie") as logs:
            self.client.get("/private/")
        self.assertNotIn("session-0", "".join(logs.output))

    def test_a_client_that_wants_json_gets_json(self):
        self.service.status = 503
        with self.assertLogs("cloud_hoskie"):
            response = self.client.get("/private/", HTTP_ACCEPT="application/json")
        self.assertEqual(response["Content-Type"], "application/problem+json")
        self.assertEqual(response.json()["code"], "unavailable")
        self.assertEqual(response["Retry-After"], "10")

    def test_a_page_is_for_browsers_that_open_one(self):
        self.service.status = 503
        for headers, is_page in (
            ({"HTTP_SEC_FETCH_MODE": "navigate", "HTTP_ACCEPT": "*/*"}, True),
            ({"HTTP_SEC_FETCH_MODE": "cors", "HTTP_ACCEPT": "text/html"}, False),
            ({"HTTP_ACCEPT": "text/html,*/*;q=0.8"}, True),
            ({"HTTP_ACCEPT": "*/*"}, False),
        ):
            with self.subTest(headers), self.assertLogs("cloud_hoskie"):
                response = self.client.get("/private/", **headers)
                self.assertEqual(response["Content-Type"].startswith("text/html"), is_page)

    def test_sign_in_and_admin_are_unavailable_and_sign_out_leads_to_the_service(self):
        self.service.status = 503
        for path in ("/accounts/login/", "/admin/", "/admin/login/"):
            with self.subTest(path), self.assertLogs("cloud_hoskie"):
                self.assert_unavailable(self.client.get(path))
        self.assertEqual(self.client.get("/accounts/logout/").status_code, 303)

    async def test_an_asynchronous_view_is_unavailable_too(self):
        self.service.status = 503
        client = AsyncClient()
        self.sign_in(7, "alice", client)
        with self.assertLogs("cloud_hoskie"):
            self.assert_unavailable(await client.get("/async/", ACCEPT="text/html"))
