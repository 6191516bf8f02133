import json
import os
import unittest
from concurrent.futures import ThreadPoolExecutor

from . import emulator

# As in the overlay.
MOST_AT_ONCE = 4 * os.cpu_count()
TIMEOUT_SECONDS = 3


class Turns(unittest.TestCase):
    def test_few_run_at_once_and_waiting_takes_nothing_from_a_function_s_time(self):
        emulator.shared().create_function("slow", timeout=TIMEOUT_SECONDS, ANSWER="after a second")
        functions = emulator.shared().client("lambda")

        def process(_):
            return json.loads(functions.invoke(FunctionName="slow", Payload=b"{}")["Payload"].read())

        # The last wait longer for their turn than the function may take.
        callers = MOST_AT_ONCE * (TIMEOUT_SECONDS + 2)
        with ThreadPoolExecutor(callers) as pool:
            processes = list(pool.map(process, range(callers)))

        self.assertTrue(all(isinstance(each, int) for each in processes), processes)
        self.assertEqual(len(set(processes)), MOST_AT_ONCE)
