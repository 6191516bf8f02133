"""State on disk every few seconds: ministack writes it at shutdown only, so SIGKILL would leave nothing but objects."""

import logging
import sys
import threading
import time

from ministack import app
from ministack.core import persistence

SECONDS_BETWEEN = 3
TRIES = 5

saving = threading.Lock()


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
