#!/usr/bin/env python3
"""Takes Watchdog's webhooks: verifies the signature, drops repeats, prints one line for each alert.

    HOOK_SECRET=whsec_... python3 receiver.py 9000
"""

import base64
import hashlib
import hmac
import http.server
import json
import os
import sys
import time

TOLERANCE = 5 * 60  # seconds


def key_of(secret: str) -> bytes:
    """The signing key: base64 after "whsec_", or the text itself."""
    if secret.startswith("whsec_"):
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    return secret.encode()


def verify(key: bytes, body: bytes, headers) -> None:
    """Raises ValueError when a message is not Watchdog's, or is too old to be taken."""
    message_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not timestamp.isdecimal():
        raise ValueError("webhook-timestamp is missing or no number")
    if abs(time.time() - int(timestamp)) > TOLERANCE:
        raise ValueError("webhook-timestamp is too far from now")
    signed = f"{message_id}.{timestamp}.".encode() + body
    want = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    for signature in headers.get("webhook-signature", "").split():
        version, _, got = signature.partition(",")
        if version == "v1" and hmac.compare_digest(got.encode(), want):  # in constant time
            return
    raise ValueError("no signature fits")


class Receiver(http.server.BaseHTTPRequestHandler):
    key = b""
    seen = set()  # ids already taken. A real receiver keeps them for a day, on disk.

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            verify(self.key, body, self.headers)
        except ValueError as error:
            self.answer(401, str(error))  # not sent again
            return
        message = json.loads(body)
        if message["id"] not in self.seen:
            self.seen.add(message["id"])
            for a in message["alerts"]:
                print(f'{a["status"]} {a["rule"]} {a["server"]}/{a["doc_id"]}: {a["summary"]!r}', flush=True)
        self.answer(204)

    def answer(self, status, text=""):
        self.send_response(status)
        if text:
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args):
        pass


def main():
    Receiver.key = key_of(os.environ.get("HOOK_SECRET", ""))
    if not Receiver.key:
        sys.exit("HOOK_SECRET is missing")
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 9000
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Receiver)
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
