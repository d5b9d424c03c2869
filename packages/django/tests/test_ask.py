from django.test import override_settings

from tests.support.case import HoskieTestCase
from tests.support.service import token_of

ASK = "/api/authz/forward-auth"


class AskTest(HoskieTestCase):
    def test_a_cookie_signs_in(self):
        self.sign_in(7, "alice")
        response = self.client.get("/private/")
        self.assertEqual(response.json()["username"], "alice")
        self.assertEqual(response.json()["hoskie_id"], 7)

    def test_a_bearer_token_signs_in(self):
        token = self.service.sign_in(7, "alice")
        response = self.client.get("/private/", HTTP_AUTHORIZATION=f"Bearer {token}")
        self.assertEqual(response.json()["username"], "alice")

    def test_a_name_arrives_exactly(self):
        for user_id, name in enumerate(["Zoë", "a b", "100%25", "𝒜" * 150, 'q"<&'], start=1):
            with self.subTest(name):
                # An imported account may have a name that the site wouldn't take today.
                self.make_account(user_id, name)
                self.sign_in(user_id, name)
                self.assertEqual(self.client.get("/private/").json()["username"], name)

    def test_it_is_asked_once_a_request_over_one_connection(self):
        self.sign_in(7, "alice")
        for _ in range(5):
            self.client.get("/template/")
        self.assertEqual(self.service.count(ASK), 5)
        self.assertEqual(self.service.connections, 1)

    def test_a_sign_out_counts_from_the_next_request(self):
        self.sign_in(7, "alice")
        self.assertEqual(self.client.get("/private/").status_code, 200)
        self.service.sessions.clear()
        self.assertEqual(self.client.get("/private/").status_code, 302)

    def test_without_credentials_the_service_is_not_asked(self):
        self.client.cookies["of_the_site"] = "1"
        self.assertEqual(self.client.get("/private/").status_code, 302)
        self.assertEqual(self.client.get("/private/", HTTP_AUTHORIZATION="Basic YTpi").status_code, 302)
        self.assertEqual(self.service.requests, [])

    def test_the_service_gets_nothing_but_what_it_needs(self):
        self.client.cookies["of_the_site"] = "1"
        self.sign_in(7, "alice")
        self.client.cookies["xsessionid"] = token_of("x")
        self.client.get("/private/?secret=1", HTTP_AUTHORIZATION="Basic YTpi", HTTP_X_FORWARDED_FOR="192.0.2.1")
        ((path, headers),) = self.service.requests
        self.assertEqual(path, ASK)
        self.assertEqual(headers["Cookie"], f"sessionid={token_of('session-0')}")
        self.assertEqual(headers["X-Forwarded-Uri"], "/")
        self.assertNotIn("Authorization", headers)
        self.assertNotIn("X-Forwarded-For", headers)

    def test_what_is_no_token_of_the_service_is_not_sent_to_it(self):
        for token in ("a\nb", "a\r\nRemote-User: admin", "x" * 42, "x" * 44, "é" * 43, "a.jwt.of-another"):
            response = self.client.get("/template/", HTTP_AUTHORIZATION=f"Bearer {token}")
            self.assertContains(response, "stranger")
        self.assertEqual(self.service.requests, [])

    def test_cookies_of_one_name_all_reach_the_service(self):
        a, b = token_of("a"), token_of("b")
        self.client.get("/private/", HTTP_COOKIE=f"sessionid={a}; other={a};sessionid={b};sessionid=other")
        self.assertEqual(self.service.requests[0][1]["Cookie"], f"sessionid={a}; sessionid={b}")

    @override_settings(HOSKIE_COOKIE_NAME="__Host-hoskie")
    def test_its_cookie_may_have_another_name(self):
        token = token_of("a")
        self.client.get("/private/", HTTP_COOKIE=f"__Host-hoskie={token}; sessionid={token}")
        self.assertEqual(self.service.requests[0][1]["Cookie"], f"__Host-hoskie={token}")

    def test_what_the_service_sets_for_one_visitor_reaches_no_other(self):
        self.sign_in(7, "alice")
        self.client.get("/private/")
        self.client.get("/private/")
        self.assertNotIn("of-another", self.service.requests[-1][1]["Cookie"])

    def test_headers_of_the_client_do_not_matter(self):
        self.make_account(1, "admin")
        forged = {
            "HTTP_REMOTE_USER": "admin",
            "REMOTE_USER": "admin",
            "HTTP_REMOTE_USER_ID": "1",
            "HTTP_HOSKIE_JWT_ASSERTION": self.service.assertion(1, "admin"),
        }
        self.assertEqual(self.client.get("/private/", **forged).status_code, 302)
        self.sign_in(7, "alice")
        self.assertEqual(self.client.get("/private/", **forged).json()["username"], "alice")

    def test_a_connection_that_the_service_has_closed_is_no_outage(self):
        self.sign_in(7, "alice")
        self.client.get("/private/")
        self.service.dropped_requests = 1
        self.assertEqual(self.client.get("/private/").status_code, 200)

    @override_settings(HOSKIE_SITE_URL="http://app.example.org")
    def test_a_site_that_the_service_does_not_know_is_an_outage_and_the_log_says_what_to_check(self):
        self.sign_in(7, "alice")
        with self.assertLogs("cloud_hoskie", "ERROR") as logs:
            self.assertEqual(self.client.get("/private/").status_code, 503)
        self.assertIn("ALLOWED_REDIRECT_HOSTS", logs.output[0])

    def test_a_cache_can_tell_visitors_apart(self):
        self.sign_in(7, "alice")
        self.assertIn("Cookie", self.client.get("/template/")["Vary"])
        self.assertNotIn("Vary", self.client.get("/"))
