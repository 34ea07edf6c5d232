"""Runs Metaflow's own tests against the test kit's server; the arguments are pytest's."""

import os
import signal
import subprocess
import sys

server = subprocess.Popen([os.environ["MFS3_TEST_SERVER"]], stdout=subprocess.PIPE, text=True)
try:
    line = server.stdout.readline()
    variables = dict(word.split("=", 1) for word in line.split() if "=" in word)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("METAFLOW_")}
    environment.update(variables)
    environment["AWS_DEFAULT_REGION"] = variables["AWS_REGION"]
    environment["METAFLOW_DATATOOLS_S3ROOT"] = "s3://demo/data"
    environment["METAFLOW_S3_TEST_ROOT"] = "s3://demo/metaflow-tests"
    environment["METAFLOW_S3_ENDPOINT_URL"] = variables["AWS_ENDPOINT_URL"]
    environment["METAFLOW_HOME"] = os.path.dirname(os.path.abspath(__file__))
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *sys.argv[1:]]
    sys.exit(subprocess.run(command, env=environment).returncode)
finally:
    server.send_signal(signal.SIGINT)
    server.wait(10)
