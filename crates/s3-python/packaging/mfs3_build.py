"""The build backend of `mfs3`: maturin, and the two things of the wheel that maturin does not make.

* The command-line tool. maturin builds a library or a program, so it runs twice, and the program of the first wheel
  becomes a script of the second, as it is: `mfs3` on the path is the binary itself.
* The licences of all crates that are linked.
"""

import json
import os
import shutil
import subprocess
import tempfile
import zipfile

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
#: Licences of crates whose packages have none, by repository.
_MISSING_LICENCES = {"https://github.com/Nugine/simd": "packaging/licences/simd.txt"}
_FILES_OF_LICENCES = ("LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE")


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
    """Writes the crates that the library and the tool link, and each text of a licence once."""
    for name in _OWN_LICENCES:
        # In an sdist they are here already.
        if not os.path.exists(name):
            shutil.copyfile(os.path.join("..", "..", name), name)
    crates, texts = linked_crates(), {}
    for crate in crates:
        for path in licence_files(crate):
            with open(path, encoding="utf-8", errors="replace") as file:
                lines = [line.strip() for line in file.read().strip().splitlines()]
            texts.setdefault("\n".join(lines), []).append("%s %s" % (crate["name"], os.path.basename(path)))
    with open(LICENCES, "w", encoding="utf-8") as file:
        file.write("The library and the command-line tool of this package contain these crates:\n\n")
        for crate in crates:
            source = crate["repository"] or ", ".join(crate["authors"])
            file.write("%s %s: %s (%s)\n" % (crate["name"], crate["version"], crate["license"], source))
        for text, names in texts.items():
            file.write("\n%s\n%s:\n\n%s\n" % ("=" * 80, ", ".join(names), text))


def licence_files(crate):
    """Returns the files with the licences of a crate."""
    folder = os.path.dirname(crate["manifest_path"])
    paths = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    found = [
        path
        for path in paths
        if os.path.basename(path).upper().startswith(_FILES_OF_LICENCES) and os.path.isfile(path)
    ]
    if found:
        return found
    if crate["repository"] in _MISSING_LICENCES:
        return [_MISSING_LICENCES[crate["repository"]]]
    # The text of this licence is always the same.
    if "Apache-2.0" in (crate["license"] or ""):
        return ["LICENSE-APACHE"]
    raise RuntimeError(
        "crate %s has no text of its licence %s: put it below packaging/licences, and its repository %s into %s"
        % (crate["name"], crate["license"], crate["repository"], "_MISSING_LICENCES")
    )


def linked_crates():
    """Returns the crates of others that the library links on this platform."""
    version = subprocess.check_output(["rustc", "-vV"], text=True)
    [host] = [line.split()[1] for line in version.splitlines() if line.startswith("host:")]
    command = ["cargo", "metadata", "--format-version", "1", "--filter-platform", host]
    metadata = json.loads(subprocess.check_output([*command, "--manifest-path", manifest()], text=True))
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    waiting = [id for id, package in packages.items() if package["name"] == "s3-python"]
    seen = set(waiting)
    while waiting:
        for dependency in nodes[waiting.pop()]["deps"]:
            id = dependency["pkg"]
            # What only builds or tests is not linked, and neither is what makes code at compile time.
            linked = any(kind["kind"] is None for kind in dependency["dep_kinds"])
            macros = any("proc-macro" in target["kind"] for target in packages[id]["targets"])
            if linked and not macros and id not in seen:
                seen.add(id)
                waiting.append(id)
    crates = [packages[id] for id in seen if packages[id]["source"] is not None]
    return sorted(crates, key=lambda crate: (crate["name"], crate["version"]))


def manifest():
    """The manifest of the crate: in an sdist it is below the project file."""
    return maturin.get_config().get("manifest-path", "Cargo.toml")
