"""State on disk every few seconds: ministack writes it at shutdown only, so SIGKILL would leave nothing but objects.

What ministack does once, at its end, is done cheaply here: an idle stack leaves the processors to others.
"""

import json
import logging
import os
import sys
import threading
import time

from ministack import app
from ministack.core import persistence
from ministack.services import lambda_svc

from .patching import around

SECONDS_BETWEEN = 3
TRIES = 5

saving = threading.Lock()
# Functions' code by its identity, and the blob that holds it. What is kept here is not freed, so no identity is given twice.
blobs = {}


def start():
    logging.getLogger(persistence.logger.name).setLevel(logging.WARNING)
    threading.Thread(target=save_forever, daemon=True, name="snapshots").start()


def save_forever():
    while True:
        time.sleep(SECONDS_BETWEEN)
        save()


def save():
    """What cannot be saved, for one because the disk is full, is said and tried again the next time."""
    if persistence.PERSIST_STATE:
        with saving:
            for service, get_state in app._build_persistence_save_dict().items():
                try:
                    state = read(get_state)
                except Exception as error:  # one service must not keep the others from being saved
                    print(f"the state of {service} was not saved: {error}", file=sys.stderr, flush=True)
                    continue
                if state is not None:
                    persistence.save_state(service, state)


def read(get_state):
    """The state, read again when a request changed it in the middle; None when it would not hold still."""
    for _ in range(TRIES):
        try:
            return get_state()
        except RuntimeError:
            continue
    return None


@around(lambda_svc, "_write_code_blob")
def write_code_blob(original, code):
    """Some 20 MB for each function, which do not change: hashed once, and not every few seconds."""
    _, blob = blobs.get(id(code), (code, None))
    if not blob or not os.path.exists(os.path.join(lambda_svc.CODE_BLOB_DIR, f"{blob}.zip")):
        blob = original(code)
        blobs[id(code)] = code, blob
    return blob


@around(lambda_svc, "_prune_orphan_code_blobs")
def prune_orphan_code_blobs(original, referenced):
    for code, blob in list(blobs.values()):
        if blob not in referenced:
            del blobs[id(code)]
    return original(referenced)


@around(json, "dump")
def dump(original, value, file, **options):
    """At once: piece by piece, `json` writes in Python and not in C."""
    file.write(json.dumps(value, **options))
