"""A real issuer on this machine: a web server with the keys, metadata and faults that a test chooses, and its tokens.

Not a test. The keys are real, and so is everything between them and what checks them.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt import PyJWS
from jwt.algorithms import get_default_algorithms

from tests.patience import PATIENCE
from tests.ports import free_port

AUDIENCE = "https://memory.example"
JWKS = "/.well-known/jwks.json"
CURVES: Mapping[str, ec.EllipticCurve] = {
    "ES256": ec.SECP256R1(),
    "ES384": ec.SECP384R1(),
    "ES512": ec.SECP521R1(),
    "ES256K": ec.SECP256K1(),
}

Claims: TypeAlias = dict[str, Any]


@cache
def private_key(algorithm: str, number: int = 1, bits: int = 2048) -> Any:
    """Return a key pair that fits an algorithm; the same for the same number."""
    assert number
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    if curve := CURVES.get(algorithm):
        return ec.generate_private_key(curve)
    return rsa.generate_private_key(65537, bits)


@dataclass(frozen=True)
class Key:
    """A key pair of an issuer."""

    kid: str = "first"
    algorithm: str = "RS256"
    number: int = 1
    bits: int = 2048

    @property
    def private(self) -> Any:
        return private_key(self.algorithm, self.number, self.bits)

    def jwk(self, **changes: Any) -> dict[str, Any]:
        """Return the public half as it is published; a change to None leaves a member out."""
        public = get_default_algorithms()[self.algorithm].to_jwk(self.private.public_key(), as_dict=True)
        whole = {**public, "kid": self.kid, "use": "sig", **changes}
        return {
            name: value for name, value in whole.items() if value is not None and (name in changes or name != "key_ops")
        }

    def private_jwk(self) -> dict[str, Any]:
        """Return both halves, as no issuer should publish them."""
        return {
            **get_default_algorithms()[self.algorithm].to_jwk(self.private, as_dict=True),
            "kid": self.kid,
            "key_ops": ["sign", "verify"],
        }

    def sign(self, claims: Any, **headers: Any) -> str:
        """Return a token that this key signed; a header of None is left out."""
        header = {"typ": "JWT", "alg": self.algorithm, "kid": self.kid, **headers}
        signed = segment({name: value for name, value in header.items() if value is not None}) + "." + segment(claims)
        signature = PyJWS().get_algorithm_by_name(self.algorithm).sign(signed.encode(), self.private)
        return f"{signed}.{encoded(signature)}"


def encoded(raw: bytes) -> str:
    """Return bytes as tokens write them."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def segment(content: Any) -> str:
    """Return JSON, or a text as it is, as tokens write it."""
    return encoded((content if isinstance(content, str) else json.dumps(content)).encode())


class Answer(NamedTuple):
    """What the server says at one path."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = {}


@dataclass
class LocalIssuer:
    """A web server on a free port; ``answers`` says what stands where, ``asked`` what was asked for."""

    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    _port: int = field(default_factory=free_port)
    _server: ThreadingHTTPServer | None = None
    _open: threading.Event = field(default_factory=threading.Event)
    _reached: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def __post_init__(self) -> None:
        self._open.set()
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def publish(self, *keys: Any) -> None:
        """Put these keys where they are looked for, and nothing else."""
        self.answers[JWKS] = Answer(json.dumps({"keys": keys}).encode())

    def hold(self) -> None:
        """Answer nothing until it is told to go on."""
        self._open.clear()

    def go_on(self) -> None:
        self._open.set()

    def wait_until_reached(self) -> None:
        """Wait for the next request."""
        assert self._reached.acquire(timeout=PATIENCE)

    def start(self) -> None:
        """Listen, on the port of the time before."""
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked.append(self.path)
                issuer._reached.release()
                issuer._open.wait(PATIENCE)
                answer = issuer.answers.get(self.path, Answer(status=404))
                self.send_response(answer.status)
                for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Be gone: connections are refused."""
        self._open.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
