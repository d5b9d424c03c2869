from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.test import Client, SimpleTestCase, override_settings

from cloud_hoskie.checks import DJANGOS
from cloud_hoskie.conf import get_settings

DEFAULTS = {
    "HOSKIE_URL": "https://login.example.org",
    "HOSKIE_MODE": None,
    "HOSKIE_SITE_URL": "https://app.example.org",
    "HOSKIE_COOKIE_NAME": None,
}


def configured(**changes):
    return override_settings(**{**DEFAULTS, **changes})


class SettingsTest(SimpleTestCase):
    def found(self):
        return [message.id for message in checks.run_checks() if message.id.startswith("cloud_hoskie")]

    def assert_malformed(self, expected, **changes):
        with self.subTest(changes), configured(**changes):
            self.assertEqual(self.found(), [f"cloud_hoskie.{expected}"])
            with self.assertRaises(ImproperlyConfigured):
                Client().get("/")

    def test_two_addresses_are_enough_to_ask(self):
        with configured():
            self.assertEqual(self.found(), [])
            found = get_settings()
        self.assertEqual((found.origin, found.pages_url), ("https://login.example.org", "https://login.example.org/"))
        self.assertEqual((found.mode, found.cookie_name), ("ask", "sessionid"))
        self.assertEqual(found.site_origin, "https://app.example.org")

    def test_slashes_at_the_end_do_not_matter(self):
        with configured(HOSKIE_URL="https://app.example.org/auth/", HOSKIE_SITE_URL="https://app.example.org/"):
            found = get_settings()
        self.assertEqual((found.origin, found.pages_url), ("https://app.example.org", "https://app.example.org/auth/"))
        self.assertEqual(found.site_origin, "https://app.example.org")

    def test_http_is_for_the_own_machine(self):
        for url in ("http://localhost:8787", "http://127.0.0.1:8787/auth/", "http://[::1]:8787"):
            with self.subTest(url), configured(HOSKIE_URL=url):
                self.assertEqual(self.found(), [])

    def test_a_malformed_url(self):
        for url in (
            *(None, "", "login.example.org", "http://login.example.org", "http://localhost.example.org"),
            *("https://login.example.org:443", "https://Login.example.org", "https://a:b@login.example.org"),
            *("https://login.example.org?x", "https://login.example.org/a b", "https://login.example.org//"),
            *(" https://login.example.org", "https://login.example.org\n", "ftp://login.example.org", "https://"),
        ):
            self.assert_malformed("E001", HOSKIE_URL=url)

    def test_an_unknown_mode(self):
        for mode in ("", "Header", "both"):
            self.assert_malformed("E002", HOSKIE_MODE=mode)

    def test_the_sites_own_address_is_an_origin(self):
        for url in (
            *(None, "", "app.example.org", "https://app.example.org/shop/", "https://app.example.org:443"),
            *("https://App.example.org", "https://app.example.org?x", "https://app.example.org:x"),
        ):
            self.assert_malformed("E003", HOSKIE_SITE_URL=url)

    def test_cookies_of_one_name(self):
        self.assert_malformed("E004", SESSION_COOKIE_NAME="sessionid")
        self.assert_malformed("E004", HOSKIE_COOKIE_NAME="csrftoken", CSRF_COOKIE_NAME="csrftoken")
        self.assert_malformed("E004", HOSKIE_COOKIE_NAME="")
        with configured(SESSION_COOKIE_NAME="sessionid", HOSKIE_MODE="header"):
            self.assertEqual(self.found(), [])
        with configured(HOSKIE_COOKIE_NAME="hoskie_session", SESSION_COOKIE_NAME="sessionid"):
            self.assertEqual(self.found(), [])

    def test_a_message_says_what_to_do(self):
        with configured(HOSKIE_URL=""), self.assertRaisesMessage(ImproperlyConfigured, "For example HOSKIE_URL ="):
            get_settings()

    def test_djangos_middleware_must_not_come_later(self):
        for order, expected in (
            ([DJANGOS], ["cloud_hoskie.W006"]),
            ([*settings.MIDDLEWARE, DJANGOS], ["cloud_hoskie.E005"]),
            ([settings.MIDDLEWARE[0], DJANGOS, *settings.MIDDLEWARE[1:]], []),
        ):
            with self.subTest(expected), configured(MIDDLEWARE=order):
                self.assertEqual(self.found(), expected)
