#!/usr/bin/env python3
"""The judge of Autobahn's reports is strict: each way to fall short, in a report that is made for it, is noticed.

    python3 conformance/autobahn/test_summarize.py
"""
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

JUDGE = Path(__file__).with_name("summarize.py")
STRICT = ["--strict", "--codes", "--expect", "4"]


def report():
    """What a good peer gets: of each case what the index says of it, and what its own report does."""
    cases = {
        "1.1.1": ("OK", "OK", 1000, [1000]),
        "3.1": ("OK", "OK", 1002, [1002]),
        "7.3.1": ("OK", "OK", None, [1000]),
        "7.13.1": ("INFORMATIONAL", "INFORMATIONAL", 1002, [1000, 5000, 1002]),
    }
    index = {
        case: {
            "behavior": behavior,
            "behaviorClose": close,
            "duration": 1,
            "remoteCloseCode": got,
            "reportfile": f"case_{case.replace('.', '_')}.json",
        }
        for case, (behavior, close, got, _) in cases.items()
    }
    details = {index[case]["reportfile"]: {"expectedClose": {"closeCode": right}} for case, (*_, right) in cases.items()}
    return index, details


def judge(index, details, options=STRICT, agents=("timtow",)):
    """The exit status, and what is printed."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "index.json").write_text(json.dumps({agent: index for agent in agents}))
        for name, detail in details.items():
            Path(folder, name).write_text(json.dumps(detail))
        ran = subprocess.run([sys.executable, JUDGE, *options, folder], capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout + ran.stderr


class Judge(unittest.TestCase):
    def spoilt(self, status, says, spoil, options=STRICT):
        index, details = report()
        spoil(index, details)
        got, printed = judge(index, details, options)
        self.assertEqual(got, status, printed)
        self.assertIn(says, printed)

    def case(self, name, **change):
        return lambda index, _: index[name].update(change)

    def test_what_is_good_passes(self):
        status, printed = judge(*report())
        self.assertEqual(status, 0, printed)
        self.assertIn("OK 3, INFORMATIONAL 1", printed)
        self.assertIn("4 of 4 as expected", printed)

    def test_behaviour(self):
        for behavior in ["NON-STRICT", "UNIMPLEMENTED", "FAILED", "SOMETHING NEW"]:
            self.spoilt(1, f"FAIL 3.1: {behavior}", self.case("3.1", behavior=behavior))

    def test_the_closing_handshake(self):
        for close in ["FAILED BY CLIENT", "WRONG CODE", "UNCLEAN", "FAILED", "SOMETHING NEW"]:
            self.spoilt(1, f"close {close}", self.case("3.1", behaviorClose=close))

    def test_no_close_code(self):
        self.spoilt(1, "FAIL 1.1.1: OK, close code None", self.case("1.1.1", remoteCloseCode=None))
        self.spoilt(1, "3 of 4 as expected", self.case("7.13.1", remoteCloseCode=None))

    def test_a_wrong_close_code(self):
        self.spoilt(1, "FAIL 3.1: OK, close code 1007, expected one of [1002]", self.case("3.1", remoteCloseCode=1007))
        self.spoilt(1, "FAIL 7.3.1: OK, close code 1002", self.case("7.3.1", remoteCloseCode=1002))

    def test_a_report_that_expects_no_code(self):
        for expectation in [{}, {"expectedClose": None}, {"expectedClose": {}}, {"expectedClose": {"closeCode": []}}]:
            name = report()[0]["1.1.1"]["reportfile"]
            spoil = lambda _, details: details.update({name: expectation})
            self.spoilt(1, "FAIL 1.1.1: OK, its report does not say which close code is right", spoil)
        # As the empty close frame has no code, its report has one that it would have.
        name = report()[0]["7.3.1"]["reportfile"]
        self.spoilt(1, "FAIL 7.3.1: OK, its report", lambda _, details: details.update({name: {}}))

    def test_what_is_missing(self):
        self.spoilt(2, "only 3 cases, expected 4", lambda index, _: index.pop("7.13.1"))
        self.spoilt(2, "KeyError", lambda index, _: index["1.1.1"].pop("remoteCloseCode"))
        self.spoilt(2, "FileNotFoundError", lambda _, details: details.pop(report()[0]["3.1"]["reportfile"]))
        self.spoilt(2, "no agent", lambda *_: None, [*STRICT, "--agent", "another"])
        self.assertEqual(judge(*report(), agents=())[0], 2)

    def test_one_bad_agent_among_several_is_enough(self):
        index, details = report()
        index["3.1"]["remoteCloseCode"] = 1000
        status, printed = judge(index, details, agents=("one", "two"))
        self.assertEqual((status, printed.count("=> 1 failing")), (1, 2), printed)

    def test_without_the_options_it_is_as_lenient_as_the_suite(self):
        for change in [{"behavior": "NON-STRICT"}, {"behaviorClose": "FAILED BY CLIENT"}, {"remoteCloseCode": None}]:
            self.spoilt(0, "timtow: 4 cases", self.case("1.1.1", **change), [])


if __name__ == "__main__":
    result = unittest.main(exit=False).result
    print(f"summary {result.testsRun} tests of the judge")
    sys.exit(not result.wasSuccessful())
