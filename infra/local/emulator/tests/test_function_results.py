import json
import unittest

from . import emulator


class FunctionResults(unittest.TestCase):
    def test_what_lambda_finds_out_is_in_the_function_s_log(self):
        for answer, said in {
            "never": "Task timed out after 1.00 seconds",
            "exit": "Runtime exited before returning a response",
            "large": "Response payload size exceeded maximum allowed payload size",
        }.items():
            with self.subTest(answer):
                answered, messages = run(f"results-{answer}", answer)
                self.assertIn(said, answered["errorMessage"])
                self.assertEqual(sum(said in each for each in messages), 1, messages)

    def test_an_answer_that_looks_like_an_error_is_not(self):
        answered, messages = run("results-own", '{"errorMessage": "too bad"}')
        self.assertEqual(answered["errorMessage"], "too bad")
        self.assertFalse(any("too bad" in each for each in messages), messages)


def run(name, answer):
    """What a function that answers so answers, and what its log says."""
    emulator.shared().create_function(name, timeout=1, ANSWER=answer)
    answered = emulator.shared().client("lambda").invoke(FunctionName=name, Payload=b"{}")["Payload"].read()
    events = emulator.shared().client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    return json.loads(answered), [event["message"] for event in events]
