"""The run of Metaflow's own tests fails if it tests something else or less."""

import os
import subprocess
import sys

import pytest

TESTS = """
import pytest

@pytest.mark.parametrize("number", range(3))
def test_passes(number):
    pass

def test_benchmark():
    pytest.skip("Skipping benchmark (--benchmark-skip active).")
"""

SKIPPED = """
def test_of_python_2():
    pytest.skip("python 2 only")
"""


@pytest.mark.parametrize(
    "tests, passed, environment, fault",
    [
        (TESTS, "3", {}, None),
        (TESTS, "4", {}, "3 tests passed, and 4 should have"),
        (TESTS + SKIPPED, "3", {}, "test_of_python_2 was skipped"),
        (TESTS + SKIPPED, "0", {}, None),
        (TESTS, "3", {"METAFLOW_S3_NATIVE": "0"}, "mfs3 is not active in Metaflow"),
    ],
)
def test_metaflows_tests_have_to_run_all_and_on_mfs3(tmp_path, tests, passed, environment, fault):
    (tmp_path / "test_some.py").write_text(tests)
    path = os.pathsep.join(filter(None, [os.path.dirname(__file__), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "upstream_result", str(tmp_path)],
        env=os.environ | {"USER": "tester", "PYTHONPATH": path, "MFS3_UPSTREAM_PASSED": passed, **environment},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (done.returncode == 0) == (fault is None), done.stdout
    assert fault is None or fault in done.stdout + done.stderr
