from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from tests.support.case import HoskieTestCase

OURS = "cloud_hoskie.middleware.HoskieMiddleware"
SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"


class SessionTest(HoskieTestCase):
    def cart(self):
        return self.client.get("/cart/").json()["cart"]

    def sign_out(self):
        self.service.sessions.clear()

    def test_a_user_keeps_what_is_in_the_session(self):
        self.sign_in(7, "alice")
        self.client.post("/cart/", {"item": "book"})
        self.assertEqual(self.cart(), "book")
        self.sign_out()
        self.sign_in(7, "alice")
        self.assertEqual(self.cart(), "book")

    def test_who_signs_in_next_does_not_get_it(self):
        self.sign_in(7, "alice")
        self.client.post("/cart/", {"item": "book"})
        self.sign_in(8, "bob")
        self.assertIsNone(self.cart())
        self.assertEqual(Session.objects.count(), 0)

    def test_neither_does_an_anonymous_visitor(self):
        self.sign_in(7, "alice")
        self.client.post("/cart/", {"item": "book"})
        self.sign_out()
        self.assertEqual(self.client.get("/cart/").json(), {"signed_in": False, "cart": None})

    def test_what_an_anonymous_visitor_put_there_becomes_the_users(self):
        self.client.post("/cart/", {"item": "book"})
        self.sign_in(7, "alice")
        self.assertEqual(self.cart(), "book")
        self.sign_in(8, "bob")
        self.assertIsNone(self.cart())

    def test_an_outage_empties_nothing(self):
        self.sign_in(7, "alice")
        self.client.post("/cart/", {"item": "book"})
        self.service.status = 503
        with self.assertLogs("cloud_hoskie"):
            self.client.get("/cart/")
        self.service.status = None
        self.assertEqual(self.cart(), "book")

    def test_a_session_of_djangos_own_sign_in_counts_as_that_users(self):
        alice = self.make_account(7, "alice")
        session = self.client.session
        session.update({SESSION_KEY: str(alice.pk), "cart": "book"})
        session.save()
        self.sign_in(8, "bob")
        self.assertIsNone(self.cart())

    def test_visitors_without_data_get_no_session(self):
        self.sign_in(7, "alice")
        self.client.get("/private/")
        self.assertEqual(Session.objects.count(), 0)

    def test_a_key_that_another_one_planted_is_worth_nothing_after_sign_in(self):
        self.client.post("/cart/", {"item": "book"})
        planted = self.client.cookies["site_sessionid"].value
        self.sign_in(7, "alice")
        self.assertEqual(self.cart(), "book")
        self.assertNotEqual(self.client.cookies["site_sessionid"].value, planted)
        self.assertFalse(Session.objects.filter(session_key=planted).exists())

    def test_neither_is_the_key_of_an_empty_session(self):
        self.client.post("/cart/", {"item": "book"})
        session = self.client.session
        del session["cart"]
        session.save()
        self.sign_in(7, "alice")
        self.client.post("/cart/", {"item": "letters"})
        self.assertFalse(Session.objects.filter(session_key=session.session_key).exists())
        self.assertEqual(self.cart(), "letters")

    def test_neither_is_a_csrf_token_and_the_form_of_that_page_works(self):
        client = self.client_class(enforce_csrf_checks=True)
        client.post("/open-cart/", {"item": "book"})
        self.sign_in(7, "alice", client)
        client.cookies["site_csrftoken"] = planted = "p" * 32
        page = client.get("/form/")
        token = client.cookies["site_csrftoken"].value
        self.assertNotEqual(token, planted)
        in_form = page.context["csrf_token"]
        sent = client.post("/form/", {"text": "hello", "csrfmiddlewaretoken": in_form})
        self.assertContains(sent, "hello")

    def test_a_user_whose_session_was_emptied_gets_another_csrf_token(self):
        self.sign_in(7, "alice")
        self.client.post("/cart/", {"item": "book"})
        self.client.get("/form/")
        before = self.client.cookies["site_csrftoken"].value
        self.sign_in(8, "bob")
        self.client.get("/form/")
        self.assertNotEqual(self.client.cookies["site_csrftoken"].value, before)

    def test_a_session_of_before_the_move_is_no_sign_in_for_django_any_more(self):
        alice = self.make_account(7, "alice")
        session = self.client.session
        session.update({SESSION_KEY: str(alice.pk), BACKEND_SESSION_KEY: "a", HASH_SESSION_KEY: "b", "cart": "book"})
        session.save()
        self.sign_in(7, "alice")
        self.assertEqual(self.cart(), "book")
        self.assertEqual(set(self.client.session.keys()), {SESSION_KEY, "cart"})

    def test_signing_out_empties_it_and_a_mere_link_does_not(self):
        self.sign_in(7, "alice")
        self.client.post("/cart/", {"item": "book"})
        self.client.get("/accounts/logout/")
        self.assertEqual(self.cart(), "book")
        self.client.post("/accounts/logout/")
        self.assertEqual(Session.objects.count(), 0)

    def test_a_site_without_sessions_is_told_so(self):
        for order in ([OURS], [OURS, SESSIONS]):
            with self.subTest(order), override_settings(MIDDLEWARE=order), self.assertRaises(ImproperlyConfigured):
                self.client.get("/")


class SessionBehindAGateTest(HoskieTestCase):
    mode = "header"

    def get(self, user, path="/cart/", **fields):
        return self.client.get(path, HTTP_HOSKIE_JWT_ASSERTION=self.service.assertion(*user, **fields))

    def setUp(self):
        super().setUp()
        assertion = self.service.assertion(7, "alice")
        self.client.post("/cart/", {"item": "book"}, HTTP_HOSKIE_JWT_ASSERTION=assertion)

    def test_a_page_for_which_the_gate_does_not_ask_leaves_it(self):
        self.assertFalse(self.client.get("/cart/").json()["signed_in"])
        self.assertEqual(self.get((7, "alice")).json()["cart"], "book")

    def test_so_does_an_expired_assertion(self):
        self.assertFalse(self.get((7, "alice"), exp=1).json()["signed_in"])
        self.assertEqual(self.get((7, "alice")).json()["cart"], "book")

    def test_another_user_does_not_get_it(self):
        self.assertEqual(self.get((8, "bob")).json(), {"signed_in": True, "cart": None})
