"""The service as a site sees it: a real HTTP server with real ES256 keys."""

from __future__ import annotations

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Optional
from urllib.parse import quote

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

SITE = "http://testserver"


def token_of(name: str) -> str:
    """In the form of the service's tokens."""
    return name.ljust(43, "x")


class SigningKey:
    def __init__(self, kid: str) -> None:
        self.kid = kid
        self.private = ec.generate_private_key(ec.SECP256R1())

    def public_jwk(self) -> dict[str, Any]:
        numbers = self.private.public_key().public_numbers()
        x, y = (jwt.utils.base64url_encode(n.to_bytes(32, "big")).decode() for n in (numbers.x, numbers.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": self.kid, "alg": "ES256", "use": "sig"}


class Service:
    """Starts at once; `close` stops it."""

    def __init__(self) -> None:
        self.sessions: dict[str, tuple[int, str]] = {}
        """User by the token in a cookie or bearer."""
        self.keys = [SigningKey("first")]
        """The first one signs; all are published."""
        self.other_jwks: list[Any] = []
        """Published besides."""
        self.status: Optional[int] = None
        """The status of every response, in place of the right one."""
        self.dropped_requests = 0
        """So many requests that come next get no response: their connection is closed."""
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.connections = 0
        self.go_on = threading.Event()
        """Every response waits for it."""
        self.go_on.set()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.service = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._server.server_close()

    def sign_in(self, user_id: int, username: str) -> str:
        """Returns the token of a new session."""
        token = token_of(f"session-{len(self.sessions)}")
        self.sessions[token] = (user_id, username)
        return token

    def assertion(self, user_id: int, username: str, **changes: Any) -> str:
        """`key`, `header` and claims may be changed; what is None is left out."""
        key, header = changes.pop("key", self.keys[0]), changes.pop("header", {})
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": SITE,
            "sub": str(user_id),
            "preferred_username": username,
            "sid": "a-session",
            "iat": now,
            "exp": now + 300,
            **changes,
        }
        header = {"typ": "JWT", "kid": key.kid, **header}
        return jwt.encode(_given(claims), key.private, "ES256", headers=_given(header))

    def count(self, path: str) -> int:
        return sum(asked == path for asked, _ in self.requests)


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    service: Service

    def process_request(self, request: Any, client_address: Any) -> None:
        self.service.connections += 1
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up is what some tests are about."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        service = self.server.service
        service.requests.append((self.path, dict(self.headers)))
        if service.dropped_requests > 0:
            service.dropped_requests -= 1
            self.close_connection = True
            return
        service.go_on.wait()
        if service.status is not None:
            return self._problem(service.status, "made_up")
        if self.path == "/.well-known/jwks.json":
            return self._respond(200, {}, {"keys": [key.public_jwk() for key in service.keys] + service.other_jwks})
        if self.path == "/api/authz/forward-auth":
            return self._forward_auth(service)
        self._problem(404, "not_found")

    def _forward_auth(self, service: Service) -> None:
        scheme, host, uri = (self.headers.get(f"X-Forwarded-{name}") for name in ("Proto", "Host", "Uri"))
        if not (scheme and host and uri):
            return self._problem(400, "original_url_missing")
        if f"{scheme}://{host}" != SITE:
            return self._problem(403, "unknown_host")
        user = service.sessions.get(self._token())
        if user is None:
            return self._problem(401, "not_signed_in")
        headers = {
            "Remote-User": quote(user[1], safe="!\"#$&'()*+,/:;<=>?@[\\]^`{|}"),
            "Remote-User-Id": str(user[0]),
            "Hoskie-Jwt-Assertion": service.assertion(*user),
        }
        self._respond(200, headers, None)

    def _token(self) -> str:
        """A bearer beats a cookie."""
        authorization = self.headers.get("Authorization", "")
        if authorization.startswith("Bearer "):
            return authorization[len("Bearer ") :]
        cookies = (pair.strip().split("=", 1) for pair in self.headers.get("Cookie", "").split(";"))
        return next((pair[1] for pair in cookies if pair[0] == "sessionid"), "")

    def _problem(self, status: int, code: str) -> None:
        self._respond(status, {"Location": f"{self.server.service.url}/elsewhere/"}, {"status": status, "code": code})

    def _respond(self, status: int, headers: dict[str, str], content: Any) -> None:
        body = b"" if content is None else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {**headers, "Set-Cookie": "of-another=1", "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass
