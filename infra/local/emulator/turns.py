"""Few run at once: AWS gives each event a processor, a laptop has a handful for all.

ministack starts another process for each event that finds none idle. Hundreds on a few processors make each too slow
for its own timeout. Here the rest wait in the order in which they came, and a function's time begins when its turn comes.
"""

import contextvars
import os
from concurrent.futures import ThreadPoolExecutor

from ministack.services import lambda_svc

from .patching import around

# Of each function, and not of all together: one may wait for another.
MOST_AT_ONCE = 4 * (os.cpu_count() or 1)

turns = {}


@around(lambda_svc, "_execute_function_provided_warm")
def execute(original, function, *event):
    name = (function.get("config") or function).get("FunctionName")
    pool = turns.get(name) or turns.setdefault(name, ThreadPoolExecutor(MOST_AT_ONCE))
    return pool.submit(contextvars.copy_context().run, original, function, *event).result()
