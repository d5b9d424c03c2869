from django.test import override_settings

from tests.support.case import HoskieTestCase
from tests.support.service import SITE


class RedirectTest(HoskieTestCase):
    def test_a_protected_page_leads_to_the_sign_in_page_and_exactly_back(self):
        for path in ("/private/?a=1&b=2%26c", "/private/?q=Zo%C3%AB&x=%2F%2Fe#", "/private/?p=C:%5Cx", "/private/"):
            with self.subTest(path):
                self.assert_leads_to(self.follow(path), "/accounts/login/", SITE + path.rstrip("#"))

    def test_the_addresses_come_from_the_settings_not_from_the_host_header(self):
        response = self.client.get("/accounts/login/?next=/private/", HTTP_HOST="app.example.org")
        self.assert_leads_to(response, "/accounts/login/", f"{SITE}/private/")

    def test_another_site_is_no_way_back(self):
        evil = ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "http:///x")
        for next_path in evil:
            with self.subTest(next_path):
                response = self.client.get("/accounts/login/", {"next": next_path})
                self.assert_leads_to(response, "/accounts/login/", f"{SITE}/accounts/profile/")

    def test_an_address_too_long_for_the_service_leads_back_to_the_root(self):
        response = self.client.get("/accounts/login/", {"next": "/private/?" + "x" * 2010})
        self.assert_leads_to(response, "/accounts/login/", f"{SITE}/")

    def test_a_signed_in_user_who_opens_the_sign_in_page_is_led_on(self):
        self.sign_in(7, "alice")
        for path in ("/accounts/login/", "/accounts/login/?next=https://evil.example/"):
            response = self.client.get(path)
            self.assertEqual((response.status_code, response["Location"]), (303, "/accounts/profile/"))

    def test_pages_below_a_base_path(self):
        with override_settings(HOSKIE_URL=f"{self.service.url}/auth"):
            self.assert_leads_to(self.client.get("/accounts/login/?next=/x/"), "/auth/accounts/login/", f"{SITE}/x/")
            self.assert_leads_to(self.client.get("/accounts/logout/"), "/auth/logout/", f"{SITE}/")
            self.sign_in(7, "alice")
            self.assertEqual(self.client.get("/private/").status_code, 200)

    def test_a_signed_in_user_without_permission_sees_a_page_and_no_loop(self):
        self.sign_in(7, "alice")
        response = self.follow("/staff/")
        self.assert_refused(response, 403, "You are signed in, but have no access")
        self.assertContains(response, 'href="/staff/"', status_code=403)
        self.assertContains(response, f"{self.service.url}/logout/", status_code=403)

    def test_sign_out_leads_to_the_page_that_asks_and_back(self):
        self.assert_leads_to(self.client.get("/accounts/logout/"), "/logout/", f"{SITE}/")
        with override_settings(LOGOUT_REDIRECT_URL="/goodbye/"):
            self.assert_leads_to(self.client.post("/accounts/logout/"), "/logout/", f"{SITE}/goodbye/")

    def test_sign_out_leads_back_to_next_if_that_is_here(self):
        for method in (self.client.get, self.client.post):
            self.assert_leads_to(method("/accounts/logout/?next=/bye/?a=1"), "/logout/", f"{SITE}/bye/?a=1")
        self.assert_leads_to(self.client.post("/accounts/logout/", {"next": "/bye/"}), "/logout/", f"{SITE}/bye/")
        self.assert_leads_to(self.client.get("/accounts/logout/?next=//evil.example/"), "/logout/", f"{SITE}/")

    def test_a_password_is_changed_at_the_service(self):
        response = self.client.get("/accounts/password_change/")
        self.assertEqual((response.status_code, response["Location"]), (303, f"{self.service.url}/account/password/"))

    def test_no_cache_keeps_them(self):
        for path in ("login", "logout", "password_change"):
            self.assertIn("no-store", self.client.get(f"/accounts/{path}/")["Cache-Control"])

    def test_djangos_csrf_protection_stays(self):
        client = self.client_class(enforce_csrf_checks=True)
        self.sign_in(7, "alice", client)
        self.assertEqual(client.post("/form/", {"text": "x"}).status_code, 403)
        client.get("/form/")
        token = client.cookies["site_csrftoken"].value
        self.assertContains(client.post("/form/", {"text": "hello", "csrfmiddlewaretoken": token}), "hello")
