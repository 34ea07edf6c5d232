"""The types of the package, as mypy and pyright see them where it is installed."""

import json
import os
import re
import shutil
import subprocess
import sys
import venv

import pytest

import mfs3

FOLDER = os.path.join(os.path.dirname(__file__), "types")


@pytest.fixture(scope="module")
def interpreter(tmp_path_factory):
    """A virtual environment with this package and what the tests have installed."""
    folder = tmp_path_factory.mktemp("types")
    venv.create(folder, with_pip=False)
    [packages] = (folder / "lib").glob("python3*/site-packages")
    own = os.path.dirname(mfs3.__path__[0])
    installed = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "mfs3.pth").write_text("\n".join([own, *installed]) + "\n")
    return str(folder / "bin/python")


def wrong_lines():
    with open(os.path.join(FOLDER, "wrong.py")) as file:
        return {number for number, line in enumerate(file, 1) if line.rstrip().endswith("# wrong")}


def mypy(interpreter, tmp_path, name):
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", interpreter, "--cache-dir", tmp_path / "cache"]
    return subprocess.run([*command, os.path.join(FOLDER, name)], capture_output=True, text=True, cwd=tmp_path, env=_environment())


def pyright(interpreter, tmp_path):
    shutil.copytree(FOLDER, tmp_path / "types")
    (tmp_path / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "strict", "include": ["types"]}))
    command = [sys.executable, "-m", "pyright", "--pythonpath", interpreter, "--outputjson"]
    return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=_environment())


def _environment():
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MYPYPATH")}
    # The one in the package, not the newest of its registry.
    return environment | {"PYRIGHT_PYTHON_USE_BUNDLED_PYRIGHT": "1"}


def test_mypy_accepts_the_sample_and_rejects_what_is_wrong(interpreter, tmp_path):
    done = mypy(interpreter, tmp_path, "sample.py")
    assert done.returncode == 0, done.stdout + done.stderr
    done = mypy(interpreter, tmp_path, "wrong.py")
    assert {int(line) for line in re.findall(r"wrong\.py:(\d+): error", done.stdout)} == wrong_lines(), done.stdout


def test_pyright_accepts_the_sample_and_rejects_what_is_wrong(interpreter, tmp_path):
    done = pyright(interpreter, tmp_path)
    found = {}
    for one in json.loads(done.stdout)["generalDiagnostics"]:
        if one["severity"] == "error":
            found.setdefault(os.path.basename(one["file"]), set()).add(one["range"]["start"]["line"] + 1)
    assert found == {"wrong.py": wrong_lines()}, done.stdout


def test_the_stub_of_the_native_module_is_what_the_module_is(tmp_path):
    environment = os.environ | {"MYPYPATH": os.path.dirname(mfs3.__path__[0])}
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "mfs3._native", "--ignore-disjoint-bases"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
    )
    assert done.returncode == 0, done.stdout + done.stderr
