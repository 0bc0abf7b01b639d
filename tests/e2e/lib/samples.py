"""The recorded deliveries of tests/data/payloads, each with the sender that it was made for."""

import json
import os

DATA = os.path.join(os.path.dirname(__file__), "..", "..", "data", "payloads")
CLOCK = "2026-11-20T12:00:00Z"  # when they were made

# The beginning of a sample's name, and the format that reads it.
FORMATS = {"dockerhub": "dockerhub", "github": "github", "gitlab": "gitlab", "distribution": "distribution", "gitea": "gitea",
           "forgejo": "gitea", "quay": "quay", "harbor": "harbor", "zot": "zot", "acr": "acr", "ecr-eventbridge": "ecr",
           "ecr-sns": "sns", "sns": "sns", "gar": "gar", "nexus": "nexus", "artifactory": "artifactory",
           "circleci": "circleci", "buildkite": "buildkite", "drone": "drone", "cdevents": "cdevents",
           "standard-webhooks": "native", "generic": "native", "hostile": "native"}
REGISTRIES = {"distribution": "registry.example.org:5000", "zot": "zot.example.org", "nexus": "docker.nexus.example.org",
              "artifactory": "artifacts.example.org"}
IMPLIED = "ghcr.io/northwind/ledger-api:main"
REPOSITORIES = {"github": ("Northwind/ledger-api", ".github/workflows/release.yml", "main"),
                "gitlab": ("northwind/ledger-api", "release", "v*"),
                "circleci": ("github/northwind/ledger-api", "release", "main"),
                "buildkite": ("ledger-api", None, "main"),
                "drone": ("northwind/ledger-api", None, "v1.8.2")}
# Formats whose own HMAC is configured by `hmac` alone.
SIGNING = {"github", "gitea", "nexus", "circleci", "buildkite", "drone"}


class Sample:
    def __init__(self, row):
        self.row, self.id = row, row["id"]
        self.format = next(FORMATS[prefix] for prefix in sorted(FORMATS, key=len, reverse=True) if self.id.startswith(prefix))
        with open(os.path.join(DATA, row["file"]), "rb") as file:
            self.body = file.read()
        self.headers = dict(row["headers"])
        self.kind = row["auth"]["kind"]
        self.expect = row["auth"].get("expect")
        self.images = [IMPLIED if image["name"] is None else
                       image["name"] + ":" + image["tag"] + ("@" + image["digest"] if image["digest"] else "")
                       for image in row["expected_images"]]

    @property
    def path(self):
        token = "/" + self.row["auth"]["secret"] if self.kind == "secret-url-path" else ""
        return f"/hooks/{self.id}{token}"

    def auth(self, directory):
        """The sender's `auth`, with its secret in a file."""
        auth = self.row["auth"]
        secret = {"file": os.path.join(directory, self.id + ".secret")}
        text = auth.get("secret") or auth.get("public_key") or ""
        if self.kind in ("sns-x509", "oidc-bearer"):
            return self.by_certificate() if self.kind == "sns-x509" else self.by_token()
        with open(secret["file"], "w", encoding="ascii") as out:
            out.write(text + "\n")
        os.chmod(secret["file"], 0o600)
        if self.kind == "secret-url-path":
            return {"url_token": {"secret": secret}}
        if self.kind in ("plain-token", "static-header"):
            return {"header": {"name": auth["header"], "secret": secret}}
        if self.kind == "standard-webhooks":
            return {"hmac" if self.format == "gitlab" else "standard_webhooks": {"secret": secret}}
        if self.format in SIGNING:
            return {"hmac": {"secret": secret}}
        return {"hmac": {"secret": secret, "header": auth["header"], "prefix": auth["prefix"]}}

    def by_certificate(self):
        auth = self.row["auth"]
        return {"sns": {"topic": auth["trusted_topic_arn"], "certificate": os.path.join(DATA, auth["certificate_fixture"])}}

    def by_token(self):
        auth = self.row["auth"]
        issuer = auth["issuer"][0] if isinstance(auth["issuer"], list) else auth["issuer"]
        claims = {"email": auth["required_email"], "email_verified": "true"} if "required_email" in auth else auth["bound_claims"]
        return {"oidc": {"issuer": issuer, "audience": auth["audience"], "claims": claims,
                         "jwks": {"file": os.path.join(DATA, auth["jwks_fixture"])}}}

    def sender(self, directory):
        sender = {"name": self.id, "format": self.format, "auth": self.auth(directory), "images": ["**"],
                  "rate": "1000000/s", "quota": "1TiB"}
        if self.format in REGISTRIES:
            sender["registry"] = REGISTRIES[self.format]
        if self.format in REPOSITORIES:
            repository, workflow, branch = REPOSITORIES[self.format]
            rule = {"repository": repository, "workflow": workflow, "branch": branch, "images": [IMPLIED]}
            sender["implies"] = [{key: value for key, value in rule.items() if value}]
        return sender


def samples():
    with open(os.path.join(DATA, "manifest.json"), encoding="utf-8") as file:
        return [Sample(row) for row in json.load(file)["samples"]]
