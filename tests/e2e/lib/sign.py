"""Standard Webhooks signatures, written a second time on purpose: tests must not sign with the code under test."""

import base64
import hashlib
import hmac
import time
import uuid


def standard_webhooks(secret, body, identifier=None, timestamp=None):
    """The three headers for `body` (bytes). secret: "whsec_" and base64."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    identifier = identifier or "msg_" + uuid.uuid4().hex
    timestamp = str(int(time.time() if timestamp is None else timestamp))
    signed = b".".join([identifier.encode(), timestamp.encode(), body])
    signature = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {"webhook-id": identifier, "webhook-timestamp": timestamp, "webhook-signature": "v1," + signature}


def hmac_sha256(secret, body):
    return {"X-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}
