"""Every test has an S3 server of its own process, with buckets of its own."""

import os
import signal
import subprocess
import uuid

import pytest


@pytest.fixture(scope="session", autouse=True)
def server():
    """Starts the test kit's server and sets the environment to it."""
    process = subprocess.Popen(
        [os.environ["MFS3_TEST_SERVER"]], stdout=subprocess.PIPE, text=True
    )
    line = process.stdout.readline()
    variables = dict(word.split("=", 1) for word in line.split() if "=" in word)
    assert "AWS_ENDPOINT_URL" in variables, line
    os.environ.update(variables)
    os.environ["AWS_DEFAULT_REGION"] = variables["AWS_REGION"]
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    for name in list(os.environ):
        if name.startswith("METAFLOW_"):
            del os.environ[name]
    # Neither a configuration of the user nor a project's may decide.
    os.environ["METAFLOW_HOME"] = os.path.dirname(__file__)
    yield variables["AWS_ENDPOINT_URL"]
    process.send_signal(signal.SIGINT)
    process.wait(10)


@pytest.fixture
def root(tmp_path, monkeypatch):
    """An empty prefix. The working directory is an empty one, for temporary files."""
    monkeypatch.chdir(tmp_path)
    return "s3://demo/%s" % uuid.uuid4().hex
