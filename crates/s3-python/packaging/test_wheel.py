"""What a wheel has to contain. Runs where it is installed, and nothing else of this project is."""

import importlib.metadata
import os
import re
import subprocess
import sys
import zipfile

import pytest

import mfs3


@pytest.fixture
def archive():
    with zipfile.ZipFile(os.environ["MFS3_TEST_WHEEL"]) as archive:
        yield archive


def test_the_package_is_the_installed_one():
    assert "site-packages" in mfs3.__file__


def test_no_package_of_aws_is_needed():
    needed = importlib.metadata.requires("mfs3") or []
    assert [one for one in needed if "extra ==" not in one] == []
    assert not [one for one in needed if "boto" in one]


def test_fsspec_finds_the_file_system():
    import fsspec

    assert isinstance(fsspec.filesystem("mfs3"), mfs3.fsspec.S3FileSystem)


def test_the_wheel_runs_with_an_old_glibc(archive):
    assert "manylinux2014" in archive.filename or "manylinux_2_17" in archive.filename


def test_the_tool_is_the_binary_itself():
    tool = os.path.join(os.path.dirname(sys.executable), "mfs3")
    with open(tool, "rb") as file:
        assert file.read(4) == b"\x7fELF"
    done = subprocess.run([tool, "--version"], capture_output=True, text=True)
    assert done.stdout.split() == ["mfs3", mfs3.__version__], done.stderr


def test_the_licences_of_linked_crates_are_inside(archive):
    [name] = [name for name in archive.namelist() if name.endswith("/licenses/THIRD-PARTY-LICENSES.txt")]
    text = archive.read(name).decode()
    crates = re.findall(r"^(\S+) (\d\S+): (.+) \(.+\)$", text, re.MULTILINE)
    names = {name for name, _, _ in crates}
    assert {"aws-sdk-s3", "pyo3", "ring", "rustls", "tokio", "clap"} <= names
    assert not {"proptest", "syn", "cc"} & names
    assert not [name for name, _, licence in crates if licence == "None"]
    titles = re.findall(r"^={80}\n(.+):$", text, re.MULTILINE)
    with_text = {one.split()[0] for title in titles for one in title.split(", ")}
    assert names == with_text
    assert "Permission is hereby granted" in text and "Apache License" in text
    for name in ("LICENSE-MIT", "LICENSE-APACHE"):
        assert any(other.endswith("/licenses/" + name) for other in archive.namelist())


def test_the_types_are_inside(archive):
    names = archive.namelist()
    assert "mfs3/py.typed" in names and "mfs3/_native.pyi" in names
    assert "metaflow_extensions/mfs3/toplevel/mfextinit_mfs3.py" in names
    assert "metaflow_extensions/__init__.py" not in names
