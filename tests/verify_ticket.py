#!/usr/bin/env python3
"""Verifies ticket codes offline, knowing nothing of Tollgate but its published keys.

KEYS is the file or the address of ticket-keys.json; codes that are no arguments come from the
standard input, one a line. Prints a line of JSON for each; fails unless all are valid.
"""
import argparse
import base64
import json
import struct
import sys
import time
import urllib.request
import uuid

from base45 import b45decode
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

PREFIX = "TG1:"
BODY = struct.Struct(">I16s16sHII")
# Base45 writes two bytes as three characters; a signature has 64 bytes.
CODE_CHARACTERS = len(PREFIX) + (BODY.size + 64) // 2 * 3


def load_keys(place):
    with urllib.request.urlopen(place) if "://" in place else open(place, "rb") as source:
        published = json.load(source)["keys"]
    raw = {key["kid"]: base64.urlsafe_b64decode(key["public_key"] + "=") for key in published}
    return {kid: Ed25519PublicKey.from_public_bytes(key) for kid, key in raw.items()}


def verify(code, keys, now):
    """What a code says, or the reason why it says nothing."""
    if not code.startswith(PREFIX) or len(code) != CODE_CHARACTERS:
        return "malformed"
    try:
        # As bytes: of a text it would overlook a line's end.
        raw = b45decode(code[len(PREFIX):].encode())
    except ValueError:
        return "malformed"
    kid, event, ticket, version, not_before, not_after = BODY.unpack(raw[:BODY.size])
    if kid not in keys:
        return "unknown_key"
    try:
        keys[kid].verify(raw[BODY.size:], PREFIX.encode() + raw[:BODY.size])
    except InvalidSignature:
        return "bad_signature"
    if now < not_before:
        return "not_yet_valid"
    if not_after and now >= not_after:
        return "expired"
    return {"kid": kid, "event": str(uuid.UUID(bytes=event)), "ticket": str(uuid.UUID(bytes=ticket)),
            "version": version, "not_before": not_before, "not_after": not_after}


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--at", metavar="UNIX_SECONDS", type=int, default=int(time.time()))
parser.add_argument("keys", metavar="KEYS")
parser.add_argument("codes", metavar="CODE", nargs="*")
given = parser.parse_args()
published_keys = load_keys(given.keys)
is_all_valid = True
for one in given.codes or (line.rstrip("\r\n") for line in sys.stdin):
    verdict = verify(one, published_keys, given.at)
    is_valid = isinstance(verdict, dict)
    is_all_valid &= is_valid
    print(json.dumps({"valid": True, **verdict} if is_valid else {"valid": False, "reason": verdict}))
sys.exit(0 if is_all_valid else 1)
