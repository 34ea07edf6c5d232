"""The build backend of `mfs3`: maturin, and the two things of the wheel that maturin does not make.

* The command-line tool. maturin builds a library or a program, so it runs twice, and the program of the first wheel
  becomes a script of the second, as it is: `mfs3` on the path is the binary itself.
* The licences of all crates that are linked.
"""

import os
import shutil
import tempfile
import zipfile

import linked_licences
import maturin
from maturin import (  # noqa: F401
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
)

#: The folders and files that are made here; git ignores them.
SCRIPTS = "mfs3.data/scripts"
LICENCES = "THIRD-PARTY-LICENSES.txt"

_PROGRAM = "mfs3-of-wheel"
_OWN_LICENCES = ("LICENSE-APACHE", "LICENSE-MIT")


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    write_licences()
    add_program(config_settings)
    return maturin.build_wheel(wheel_directory, config_settings, None)


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    write_licences()
    return maturin.build_editable(wheel_directory, config_settings, None)


def build_sdist(sdist_directory, config_settings=None):
    write_licences()
    os.makedirs(SCRIPTS, exist_ok=True)
    return maturin.build_sdist(sdist_directory, config_settings)


def add_program(config_settings):
    """Builds the command-line tool and puts it where maturin finds scripts of the wheel."""
    shutil.rmtree(SCRIPTS, ignore_errors=True)
    # maturin wants the folder to be there even when it has nothing in it yet.
    os.makedirs(SCRIPTS)
    arguments = ["--bindings", "bin", *maturin.get_maturin_pep517_args(config_settings)]
    with tempfile.TemporaryDirectory() as directory:
        wheel = maturin.build_wheel(directory, {"build-args": arguments})
        with zipfile.ZipFile(os.path.join(directory, wheel)) as archive:
            [name] = [name for name in archive.namelist() if name.endswith("/scripts/" + _PROGRAM)]
            target = os.path.join(SCRIPTS, "mfs3")
            with archive.open(name) as source, open(target, "wb") as file:
                shutil.copyfileobj(source, file)
            os.chmod(target, 0o755)


def write_licences():
    """Writes our own licences and those of the crates that the library and the tool link."""
    for name in _OWN_LICENCES:
        # In an sdist they are here already.
        if not os.path.exists(name):
            shutil.copyfile(os.path.join("..", "..", name), name)
    linked_licences.write("s3-python", manifest(), "LICENSE-APACHE", LICENCES)


def manifest():
    """The manifest of the crate: in an sdist it is below the project file."""
    return maturin.get_config().get("manifest-path", "Cargo.toml")
