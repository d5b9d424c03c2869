import threading
import time

from cloud_hoskie.assertion import KEYS_MAX_AGE_SECONDS, RETRY_SECONDS, PublishedKeys
from cloud_hoskie.conf import get_settings
from cloud_hoskie.problems import ServiceUnavailable
from tests.support.case import HoskieTestCase
from tests.support.service import SigningKey

KEYS = "/.well-known/jwks.json"


class PublishedKeysTest(HoskieTestCase):
    mode = "header"

    def setUp(self):
        super().setUp()
        self.keys = PublishedKeys(get_settings(), clock=self.tick)

    def tick(self):
        """Time passes between two looks at the clock."""
        self.now += 0.001
        return self.now

    def test_they_are_fetched_again_when_they_are_too_old(self):
        self.assertIsNotNone(self.keys.find("first"))
        self.now += KEYS_MAX_AGE_SECONDS - 1
        self.keys.find("first")
        self.assertEqual(self.service.count(KEYS), 1)
        self.now += 2
        self.keys.find("first")
        self.assertEqual(self.service.count(KEYS), 2)

    def test_a_key_that_is_not_published_any_more_is_forgotten(self):
        self.keys.find("first")
        self.service.keys = [SigningKey("second")]
        self.now += KEYS_MAX_AGE_SECONDS
        self.assertIsNone(self.keys.find("first"))

    def test_an_unknown_key_is_looked_for_at_most_once_a_second(self):
        self.keys.find("first")
        for number in range(20):
            self.assertIsNone(self.keys.find(f"unknown-{number}"))
        self.assertEqual(self.service.count(KEYS), 2)
        self.service.keys.append(SigningKey("new"))
        self.now += RETRY_SECONDS
        self.assertIsNotNone(self.keys.find("new"))

    def test_a_known_key_does_not_wait_for_a_fetch(self):
        self.keys.find("first")
        self.service.go_on.clear()
        search = threading.Thread(target=self.keys.find, args=["unknown"])
        search.start()
        try:
            while self.service.count(KEYS) < 2:
                time.sleep(0.001)
            self.assertIsNotNone(self.keys.find("first"))
            self.assertTrue(search.is_alive())
        finally:
            self.service.go_on.set()
            search.join()

    def test_a_fetch_that_failed_is_not_repeated_at_once(self):
        self.service.status = 503
        with self.assertLogs("cloud_hoskie"):
            for _ in range(3):
                with self.assertRaises(ServiceUnavailable):
                    self.keys.find("first")
        self.assertEqual(self.service.count(KEYS), 1)
        self.service.status = None
        self.now += RETRY_SECONDS
        self.assertIsNotNone(self.keys.find("first"))

    def test_an_unknown_key_is_an_outage_while_it_cannot_be_looked_for(self):
        self.keys.find("first")
        self.service.status = 503
        with self.assertLogs("cloud_hoskie"), self.assertRaises(ServiceUnavailable):
            self.keys.find("unknown")

    def test_what_is_no_key_for_assertions_is_left_out(self):
        jwk = SigningKey("other").public_jwk()
        wrong = [{"kty": "RSA"}, {"crv": "P-384"}, {"kid": 7}, {"x": "AA"}]
        self.service.other_jwks = [{**jwk, **change} for change in wrong]
        with self.assertLogs("cloud_hoskie"):
            self.assertIsNone(self.keys.find("other"))
        self.assertIsNotNone(self.keys.find("first"))
        self.service.other_jwks = [jwk]
        self.now += RETRY_SECONDS
        self.assertIsNotNone(self.keys.find("other"))

    def test_a_page_in_another_form_is_an_outage(self):
        self.service.other_jwks = ["key"]
        with self.assertLogs("cloud_hoskie"), self.assertRaises(ServiceUnavailable):
            self.keys.find("first")

    def test_threads_share_a_fetch_and_its_failure(self):
        self.service.status = 503
        keys = PublishedKeys(get_settings())
        outcomes, all_have_begun = [], threading.Barrier(8)

        def find():
            all_have_begun.wait()
            try:
                outcomes.append(keys.find("first"))
            except ServiceUnavailable as problem:
                outcomes.append(type(problem))

        threads = [threading.Thread(target=find) for _ in range(8)]
        with self.assertLogs("cloud_hoskie"):
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual(outcomes, [ServiceUnavailable] * 8)
        self.assertEqual(self.service.count(KEYS), 1)
