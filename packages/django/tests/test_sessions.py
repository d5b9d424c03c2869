from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session

from tests.support.case import HoskieTestCase


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
