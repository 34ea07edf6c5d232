"""Writes the licences of the crates of others that a package of this workspace links, each text once.

    python3 linked_licences.py s3-cli ../../../target/THIRD-PARTY-LICENSES.txt
"""

import json
import os
import subprocess
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
#: Licences of crates whose packages have none, by repository.
_MISSING_LICENCES = {"https://github.com/Nugine/simd": "licences/simd.txt"}
_FILES_OF_LICENCES = ("LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE")


def write(package, manifest, apache, target):
    """Writes the licences of what `package` links to the file `target`. `apache` is a file with the text of Apache-2.0."""
    crates, texts = linked_crates(package, manifest), {}
    for crate in crates:
        for path in licence_files(crate, apache):
            with open(path, encoding="utf-8", errors="replace") as file:
                lines = [line.strip() for line in file.read().strip().splitlines()]
            texts.setdefault("\n".join(lines), []).append("%s %s" % (crate["name"], os.path.basename(path)))
    with open(target, "w", encoding="utf-8") as file:
        file.write("What is built from this package contains these crates:\n\n")
        for crate in crates:
            source = crate["repository"] or ", ".join(crate["authors"])
            file.write("%s %s: %s (%s)\n" % (crate["name"], crate["version"], crate["license"], source))
        for text, names in texts.items():
            file.write("\n%s\n%s:\n\n%s\n" % ("=" * 80, ", ".join(names), text))


def licence_files(crate, apache):
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
        return [os.path.join(_HERE, _MISSING_LICENCES[crate["repository"]])]
    # The text of this licence is always the same.
    if "Apache-2.0" in (crate["license"] or ""):
        return [apache]
    raise RuntimeError(
        "crate %s has no text of its licence %s: put it below packaging/licences, and its repository %s into %s"
        % (crate["name"], crate["license"], crate["repository"], "_MISSING_LICENCES")
    )


def linked_crates(package, manifest):
    """Returns the crates of others that the package links on this platform."""
    version = subprocess.check_output(["rustc", "-vV"], text=True)
    [host] = [line.split()[1] for line in version.splitlines() if line.startswith("host:")]
    command = ["cargo", "metadata", "--format-version", "1", "--filter-platform", host]
    metadata = json.loads(subprocess.check_output([*command, "--manifest-path", manifest], text=True))
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    waiting = [id for id, found in packages.items() if found["name"] == package]
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


if __name__ == "__main__":
    _, name, written = sys.argv
    workspace = os.path.join(_HERE, "..", "..", "..")
    write(name, os.path.join(workspace, "Cargo.toml"), os.path.join(workspace, "LICENSE-APACHE"), written)
