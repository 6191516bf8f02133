"""Recomputes an audit log: python3 verify_audit_log.py *.ndjson

Each event has the SHA-256 of the one before it, and of its own JSON without `hash` (RFC 8785). Prints how many events there
are and the hash of the last: hold it against `verification.json`, or against what you wrote down yourself.
"""

import fileinput
import hashlib
import json

previous, number = "0" * 64, 0
for number, line in enumerate(fileinput.input(encoding="utf-8"), 1):
    event = json.loads(line)
    claimed = event.pop("hash")
    form = json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if event["sequence"] != number or event["previous_hash"] != previous:
        raise SystemExit(f"event {number} is not where it was")
    if hashlib.sha256(form.encode()).hexdigest() != claimed:
        raise SystemExit(f"event {number} is not what it was")
    previous = claimed
print(number, previous)
