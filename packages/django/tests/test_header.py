import json
import time
from base64 import urlsafe_b64encode

import jwt

from cloud_hoskie.assertion import RETRY_SECONDS
from tests.support.case import HoskieTestCase
from tests.support.service import SigningKey

KEYS = "/.well-known/jwks.json"


class HeaderTest(HoskieTestCase):
    mode = "header"

    def get(self, assertion, path="/private/", **headers):
        return self.client.get(path, HTTP_HOSKIE_JWT_ASSERTION=assertion, **headers)

    def assert_forged(self, assertion):
        with self.assertLogs("cloud_hoskie", "WARNING") as logs:
            self.assert_refused(self.get(assertion), 403, "We can't confirm who you are")
        self.assertNotIn(assertion, "".join(logs.output))

    def test_an_assertion_signs_in(self):
        response = self.get(self.service.assertion(7, "Zoë"))
        self.assertEqual(response.json()["username"], "Zoë")
        self.assertEqual(response.json()["hoskie_id"], 7)

    def test_the_service_is_not_asked_about_visitors(self):
        for _ in range(3):
            self.get(self.service.assertion(7, "alice"))
        self.assertEqual([path for path, _ in self.service.requests], [KEYS])

    def test_without_an_assertion_the_visitor_is_signed_out(self):
        self.sign_in(7, "alice")
        response = self.client.get("/private/", HTTP_REMOTE_USER="admin", REMOTE_USER="admin", HTTP_REMOTE_USER_ID="1")
        self.assertEqual(response.status_code, 302)
        self.assertEqual(self.service.requests, [])

    def test_an_expired_assertion_is_signed_out(self):
        now = int(time.time())
        self.assertEqual(self.get(self.service.assertion(7, "alice", iat=now - 400, exp=now - 100)).status_code, 302)

    def test_clocks_may_differ_by_a_few_seconds(self):
        now = int(time.time())
        for change in ({"exp": now - 5}, {"iat": now + 60}):
            with self.subTest(change):
                self.assertEqual(self.get(self.service.assertion(7, "alice", **change)).status_code, 200)

    def test_one_for_another_site_or_of_another_service_is_refused(self):
        for change in ({"aud": "https://other.example.org"}, {"iss": "https://evil.example"}):
            with self.subTest(change):
                self.assert_forged(self.service.assertion(1, "admin", **change))

    def test_the_audience_never_comes_from_the_host_header(self):
        other = self.service.assertion(7, "alice", aud="http://app.example.org")
        with self.assertLogs("cloud_hoskie"):
            self.assertEqual(self.get(other, HTTP_HOST="app.example.org").status_code, 403)

    def test_every_claim_must_be_there(self):
        for claim in ("iss", "aud", "sub", "preferred_username", "sid", "iat", "exp"):
            with self.subTest(claim):
                self.assert_forged(self.service.assertion(7, "alice", **{claim: None}))

    def test_it_must_name_a_user(self):
        for change in ({"sub": "0"}, {"sub": "-7"}, {"sub": "٧"}, {"sub": "9" * 19}, {"preferred_username": ""}):
            with self.subTest(change):
                self.assert_forged(self.service.assertion(7, "alice", **change))

    def test_it_must_be_signed_by_a_published_key(self):
        self.assert_forged(self.service.assertion(1, "admin", key=SigningKey("first")))
        self.assert_forged(self.service.assertion(1, "admin", key=SigningKey("unknown")))
        self.assert_forged(self.service.assertion(1, "admin", header={"kid": None}))

    def test_another_kind_of_token_of_the_same_keys_is_refused(self):
        self.assert_forged(self.service.assertion(1, "admin", header={"typ": "secevent+jwt"}))

    def test_a_changed_one_is_refused(self):
        head, _, signature = self.service.assertion(7, "alice").split(".")
        claims = self.service.assertion(1, "admin").split(".")[1]
        self.assert_forged(f"{head}.{claims}.{signature}")
        self.assert_forged(f"{head}.{claims}.")

    def test_an_algorithm_that_a_client_can_compute_is_refused(self):
        genuine = self.service.assertion(1, "admin")
        claims = jwt.decode(genuine, options={"verify_signature": False})
        header = {"kid": "first", "typ": "JWT"}
        public_key = json.dumps(self.service.keys[0].public_jwk())
        self.assert_forged(jwt.encode(claims, None, "none", headers=header))
        self.assert_forged(jwt.encode(claims, public_key, "HS256", headers=header))

    def test_two_headers_as_a_server_joins_them_are_refused(self):
        forged = self.service.assertion(1, "admin", key=SigningKey("first"))
        genuine = self.service.assertion(7, "alice")
        for joined in (f"{forged},{genuine}", f"{genuine},{forged}", f"{genuine}, {genuine}"):
            with self.subTest(joined):
                self.assert_forged(joined)

    def test_garbage_is_refused(self):
        for garbage in ("", "x", "a.b.c", "é.é.é", "." * 9, "e30.e30.e30"):
            with self.subTest(garbage), self.assertLogs("cloud_hoskie"):
                self.assertEqual(self.get(garbage).status_code, 403)

    def test_json_too_deep_to_read_is_refused(self):
        self.assert_forged(f"{urlsafe_b64encode(b'[' * 5000).decode()}.e30.e30")

    def test_a_page_that_does_not_look_at_the_user_lets_everybody_in(self):
        self.assertEqual(self.get("garbage", "/").status_code, 200)

    def test_a_page_of_refusal_offers_to_sign_out(self):
        with self.assertLogs("cloud_hoskie"):
            self.assertContains(self.get("garbage"), f"{self.service.url}/logout/", status_code=403)

    def test_keys_out_of_reach_are_an_outage(self):
        self.service.status = 503
        with self.assertLogs("cloud_hoskie"):
            response = self.get(self.service.assertion(7, "alice"))
            self.assert_refused(response, 503, "We can't check your session right now")
        self.service.status = None
        self.now += RETRY_SECONDS
        self.assertEqual(self.get(self.service.assertion(7, "alice")).status_code, 200)

    def test_known_keys_bridge_an_outage(self):
        self.get(self.service.assertion(7, "alice"))
        self.service.status = 503
        self.assertEqual(self.get(self.service.assertion(7, "alice")).status_code, 200)

    def test_a_rotation_refuses_nobody(self):
        before = self.service.assertion(7, "alice")
        self.assertEqual(self.get(before).status_code, 200)
        self.service.keys.insert(0, SigningKey("second"))
        self.assertEqual(self.get(self.service.assertion(7, "alice")).status_code, 200)
        self.assertEqual(self.get(before).status_code, 200)
        self.assertEqual(self.service.count(KEYS), 2)
