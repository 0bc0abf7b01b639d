"""An OpenID Connect issuer like a CI system's: signs tokens (RS256, by the openssl command), publishes its keys, and
gives a job its token at an endpoint like GitHub's."""

import base64
import http.server
import json
import os
import subprocess
import threading
import time
import urllib.parse
import uuid

from lib.proxy import Server

REQUEST_TOKEN = "the-job's-own-request-token"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *arguments], input=data, check=True, capture_output=True).stdout


class Issuer:
    """`name` is the `iss` of its tokens (default: its own address), `claims` are a job's. Tokens that
    its endpoint gave are in `minted`; `requests` are the requested paths."""

    def __init__(self, directory, name=None, claims=None, lifetime=300):
        os.makedirs(directory, exist_ok=True)
        self.key_path = os.path.join(directory, "issuer.key")
        self.jwks_path = os.path.join(directory, "jwks.json")
        self.kid = "key-" + uuid.uuid4().hex[:8]
        openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", self.key_path)
        with open(self.jwks_path, "w", encoding="ascii") as out:
            json.dump(self.jwks(), out)
        self.claims, self.lifetime = dict(claims or {}), lifetime
        self.minted, self.requests = [], []
        self.faults = []  # statuses that the endpoint answers next
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.issuer = self
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.name = name or self.url
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def jwks(self):
        modulus = openssl("rsa", "-in", self.key_path, "-noout", "-modulus").decode().strip().split("=")[1]
        return {"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid, "e": "AQAB",
                          "n": base64url(bytes.fromhex(modulus))}]}

    def mint(self, audience, **claims):
        """A signed token; a claim that is None is left out."""
        now = int(time.time())
        body = {"iss": self.name, "aud": audience, "sub": "job", "iat": now, "nbf": now, "exp": now + self.lifetime,
                "jti": uuid.uuid4().hex, **self.claims, **claims}
        head = {"typ": "JWT", "alg": "RS256", "kid": self.kid}
        signed = ".".join(base64url(json.dumps(part).encode()) for part in
                          (head, {name: value for name, value in body.items() if value is not None}))
        token = signed + "." + base64url(openssl("dgst", "-sha256", "-sign", self.key_path, data=signed.encode()))
        self.minted.append(token)
        return token

    def auth(self, audience, claims):
        """A sender's `auth` that trusts it."""
        return {"oidc": {"issuer": self.name, "audience": audience, "claims": claims,
                         "jwks": {"file": self.jwks_path}}}

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        issuer = self.server.issuer
        issuer.requests.append(self.path)
        url = urllib.parse.urlsplit(self.path)
        if url.path == "/.well-known/openid-configuration":
            self.reply(200, {"issuer": issuer.name, "jwks_uri": issuer.url + "/jwks",
                             "id_token_signing_alg_values_supported": ["RS256"]})
        elif url.path == "/jwks":
            self.reply(200, issuer.jwks())
        elif url.path == "/idtoken":
            self.token(issuer, urllib.parse.parse_qs(url.query))
        else:
            self.reply(404, {})

    def token(self, issuer, query):
        """Answers like GitHub's and Forgejo's endpoints."""
        if issuer.faults:
            self.reply(issuer.faults.pop(0), {"message": "not now"})
        elif self.headers.get("Authorization") != "Bearer " + REQUEST_TOKEN:
            self.reply(401, {"message": "bad credentials"})
        else:
            self.reply(200, {"count": 1, "value": issuer.mint(query["audience"][0])})

    def reply(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
