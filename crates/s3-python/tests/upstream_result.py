"""Plugin for Metaflow's tests: they fail if they did not test mfs3, or not all of them ran.

`MFS3_UPSTREAM_PASSED` is how many have to pass. Without it, as for chosen tests, any number will do.
"""

import os

import pytest

_passed, _skipped = set(), {}


def pytest_configure(config):
    from metaflow import S3  # noqa: F401

    import mfs3

    about = mfs3.info()
    if not about["active_in_metaflow"]:
        raise pytest.UsageError("mfs3 is not active in Metaflow: %s" % about)


def pytest_runtest_logreport(report):
    if report.passed and report.when == "call":
        _passed.add(report.nodeid)
    # Benchmarks are left out on purpose.
    if report.skipped and "--benchmark-skip" not in str(report.longrepr):
        _skipped[report.nodeid] = report.longrepr


def _faults():
    expected = int(os.environ.get("MFS3_UPSTREAM_PASSED", 0))
    if len(_passed) < expected:
        yield "%d tests passed, and %d should have" % (len(_passed), expected)
    if expected:
        yield from ("%s was skipped: %s" % skipped for skipped in _skipped.items())


def pytest_sessionfinish(session, exitstatus):
    if exitstatus == 0 and any(_faults()):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter):
    for fault in _faults():
        terminalreporter.write_line(fault, red=True)
