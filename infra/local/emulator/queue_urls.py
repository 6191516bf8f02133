"""SQS queues stay reachable when the emulator comes back on another port.

ministack keeps each queue under a URL with its own port in it. A state from another port would hold queues that no event
source polls, so no worker would ever run.
"""

from urllib.parse import urlsplit

from ministack.services import sqs

from .patching import around


@around(sqs, "load_persisted_state")
def load_persisted_state(original, state):
    original(state)
    for (account, region, url), queue in sqs._queues.all_items():
        here = sqs._queue_url_for_account(account, urlsplit(url).path.rsplit("/", 1)[-1])
        if here != url:
            sqs._queues.pop_scoped(account, region, url)
            sqs._queues.set_scoped(account, region, here, queue)
    sqs._rebuild_queue_name_index()
