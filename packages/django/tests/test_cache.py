from unittest import mock

from django.core.cache import cache
from django.db import OperationalError
from django.db.models import QuerySet

from tests.support.case import HoskieTestCase


class CacheTest(HoskieTestCase):
    """`cache_page` on a view that looks at the user."""

    def setUp(self):
        super().setUp()
        cache.clear()
        self.addCleanup(cache.clear)

    def test_the_page_of_a_user_is_shown_to_no_other(self):
        self.sign_in(7, "alice")
        self.assertContains(self.client.get("/cached/"), "Hello alice")
        self.sign_in(8, "bob")
        self.assertContains(self.client.get("/cached/"), "Hello bob")
        self.client.cookies.clear()
        self.assertContains(self.client.get("/cached/"), "Hello stranger")

    def test_an_error_is_not_kept(self):
        self.sign_in(7, "alice")
        with mock.patch.object(QuerySet, "first", side_effect=OperationalError), self.assertRaises(OperationalError):
            self.client.get("/cached/")
        self.assertContains(self.client.get("/cached/"), "Hello alice")

    def test_that_of_an_anonymous_visitor_may_be_kept(self):
        self.assertContains(self.client.get("/cached/"), "Hello stranger")
        with mock.patch("tests.site.views.HttpResponse", side_effect=AssertionError):
            self.assertContains(self.client.get("/cached/"), "Hello stranger")
