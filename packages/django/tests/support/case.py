"""What the tests have in common: a site and the service that it asks."""

from __future__ import annotations

from functools import lru_cache, partial
from html import unescape
from typing import Any, Optional
from unittest import mock
from urllib.parse import parse_qs, urlsplit

from django.contrib.auth import get_user_model
from django.http import HttpResponse
from django.test import Client, TestCase, override_settings

from cloud_hoskie import assertion, service
from cloud_hoskie.assertion import PublishedKeys
from cloud_hoskie.models import HoskieUser
from tests.support.service import SITE, Service


class HoskieTestCase(TestCase):
    mode = "ask"
    now = 1000.0
    """In seconds: the clock that ends outages and the age of keys."""

    def setUp(self) -> None:
        super().setUp()
        self.client = self.client_class(HTTP_ACCEPT="text/html")
        self.service = Service()
        self.addCleanup(self.service.close)
        keys = lru_cache(partial(PublishedKeys, clock=lambda: self.now))
        for module, name, value in (
            (service, "_outage", service.Outage(lambda: self.now)),
            (assertion, "published_keys", keys),
        ):
            replaced = mock.patch.object(module, name, value)
            replaced.start()
            self.addCleanup(replaced.stop)
        configured = override_settings(HOSKIE_URL=self.service.url, HOSKIE_MODE=self.mode, HOSKIE_SITE_URL=SITE)
        configured.enable()
        self.addCleanup(configured.disable)

    def sign_in(self, user_id: int, username: str, client: Optional[Client] = None) -> None:
        """From now on the client sends the service's cookie."""
        (client or self.client).cookies["sessionid"] = self.service.sign_in(user_id, username)

    def make_account(self, pk: int, username: str, linked_to: Optional[int] = None, **fields: Any) -> Any:
        account = get_user_model().objects.create(pk=pk, username=username, **fields)
        if linked_to is not None:
            HoskieUser.objects.create(user=account, hoskie_id=linked_to)
        return account

    def assert_refused(self, response: HttpResponse, status: int, text: str) -> None:
        """The package's own page, which no cache keeps."""
        self.assertEqual(response.status_code, status)
        self.assertIn(text, unescape(response.content.decode()))
        self.assertIn("no-store", response["Cache-Control"])

    def assert_leads_to(self, response: HttpResponse, page: str, way_back: str) -> None:
        """A redirect to a page of the service, with this `next`."""
        self.assertEqual(response.status_code, 303)
        address = urlsplit(response["Location"])
        self.assertEqual(address._replace(query="").geturl(), f"{self.service.url}{page}")
        self.assertEqual(parse_qs(address.query)["next"], [way_back])

    def follow(self, path: str) -> HttpResponse:
        """Follows redirects as long as they lead to the site itself."""
        for _ in range(5):
            response = self.client.get(path)
            path = response.headers.get("Location", "")
            if not path.startswith("/"):
                return response
        raise AssertionError("a redirect loop")
