"""Runs Metaflow's own tests against the server of the installed tool; the arguments are pytest's.

They take 22 GB of memory: the tests hold 11 GB themselves, and the server two objects of 5 GB.
"""

import os
import signal
import subprocess
import sys
import tempfile

here = os.path.dirname(os.path.abspath(__file__))
tool = os.path.join(os.path.dirname(sys.executable), "mfs3")
server = subprocess.Popen([tool, "serve"], stdout=subprocess.PIPE, text=True)
try:
    line = server.stdout.readline()
    variables = dict(word.split("=", 1) for word in line.split() if "=" in word)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("METAFLOW_")}
    environment.update(variables)
    environment["AWS_DEFAULT_REGION"] = variables["AWS_REGION"]
    environment["METAFLOW_DATATOOLS_S3ROOT"] = "s3://demo/data"
    environment["METAFLOW_S3_TEST_ROOT"] = "s3://demo/metaflow-tests"
    environment["METAFLOW_S3_ENDPOINT_URL"] = variables["AWS_ENDPOINT_URL"]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [here, environment.get("PYTHONPATH")]))
    with tempfile.TemporaryDirectory() as folder:
        environment["METAFLOW_HOME"] = folder
        plugins = [word for name in ("no:cacheprovider", "upstream_memory", "upstream_result") for word in ("-p", name)]
        command = [sys.executable, "-m", "pytest", *plugins, *sys.argv[1:]]
        code = subprocess.run(command, env=environment).returncode
finally:
    server.send_signal(signal.SIGINT)
    server.wait(10)
sys.exit(code)
