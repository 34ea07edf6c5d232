"""What Metaflow sees: each test imports it in a process of its own."""

import os
import shutil
import subprocess
import sys
import sysconfig
import textwrap

import pytest

import mfs3

FLOW = '''
from metaflow import FlowSpec, IncludeFile, S3, card, step

class TestFlow(FlowSpec):
    text = IncludeFile("text", default="input.txt")

    @card
    @step
    def start(self):
        for number in range(100):
            setattr(self, "artifact%d" % number, b"x" * number * 1000)
        with S3(run=self) as s3:
            self.url = s3.put("k", self.text)
        self.parts = [1, 2, 3]
        self.next(self.part, foreach="parts")

    @step
    def part(self):
        with S3(run=self) as s3:
            self.read = s3.get("k").text * self.input
        self.next(self.join)

    @step
    def join(self, inputs):
        self.all = sorted(len(one.read) for one in inputs)
        self.next(self.end)

    @step
    def end(self):
        assert self.all == [5, 10, 15], self.all
        assert S3.__module__ in ("mfs3.s3", "metaflow.plugins.datatools.s3.s3"), S3.__module__
        print("ACTIVE", S3.__module__ == "mfs3.s3")

if __name__ == "__main__":
    TestFlow()
'''


def run(program, *arguments, **environment):
    done = subprocess.run(
        [sys.executable, *([program] if program.endswith(".py") else ["-c", textwrap.dedent(program)]), *arguments],
        env={**os.environ, "USER": "tester", **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


#: Metaflow itself, and older versions of it that `cargo xtask python` has installed.
VERSIONS = {"current": None} | {
    os.path.basename(folder): folder for folder in os.environ.get("MFS3_TEST_METAFLOWS", "").split(os.pathsep) if folder
}


def python_path(version, before=None):
    return os.pathsep.join(filter(None, [before, VERSIONS[version], os.environ.get("PYTHONPATH")]))


ALIASES = """
    import metaflow, mfs3
    from metaflow import S3, datatools
    import metaflow.plugins.datatools as plugins
    from metaflow.plugins.datatools.s3 import s3, S3 as from_package
    from metaflow.plugins.datastores.s3_storage import S3 as from_storage
    from metaflow.datastore import FlowDataStore
    from metaflow.plugins import DATASTORES
    from metaflow.exception import MetaflowException
    [storage] = [one for one in DATASTORES if one.TYPE == "s3"]
    everything = [S3, datatools.S3, plugins.S3, plugins.s3.S3, s3.S3, from_package, from_storage]
    native = [one is mfs3.S3 for one in everything] + [storage.__module__ == "mfs3.metaflow_storage"]
    assert len(set(native)) == 1, native
    print(native[0], issubclass(mfs3.MetaflowS3NotFound, MetaflowException))
"""


def test_all_names_of_metaflow_are_ours(root):
    assert run(ALIASES).stdout.split() == ["True", "True"]
    assert run("import mfs3\n" + textwrap.dedent(ALIASES)).stdout.split() == ["True", "True"]


NAMES = """
    import os
    import mfs3
    import metaflow
    import metaflow.metaflow_config as configuration
    import metaflow.plugins.datatools.s3 as package
    from metaflow import includefile
    from metaflow.plugins.datatools.s3 import s3 as module
    public = "RangeInfo S3 S3GetObject S3Object S3PutObject MetaflowS3InvalidObject MetaflowS3URLException "
    public += "MetaflowS3Exception MetaflowS3NotFound MetaflowS3AccessDenied MetaflowS3InvalidRange"
    assert len(public.split()) == 11
    for name in public.split():
        assert getattr(package, name) is getattr(module, name) is getattr(mfs3, name), name
    for name in ("S3Client", "check_s3_deps", "MetaflowS3InsufficientDiskSpace"):
        assert getattr(module, name) is getattr(mfs3, name), name
    assert module.check_s3_deps(print) is print
    assert module.S3.TYPE == "s3"
    assert module.S3.get_root_from_config(print) == configuration.DATATOOLS_S3ROOT == "s3://bucket/data"
    module.DATATOOLS_S3ROOT = "s3://other"
    assert module.S3.get_root_from_config(print, create_on_absent=False) == "s3://other"
    module.DATATOOLS_S3ROOT = configuration.DATATOOLS_S3ROOT
    clients = getattr(includefile, "_dict_dataclients", None) or includefile.DATACLIENTS
    assert clients["s3"] is mfs3.S3
    settings = "DATATOOLS_S3ROOT S3_RETRY_COUNT S3_TRANSIENT_RETRY_COUNT S3_LOG_TRANSIENT_RETRIES"
    for name in (settings + " S3_SERVER_SIDE_ENCRYPTION S3_WORKER_COUNT TEMPDIR").split():
        assert hasattr(module, name), name
        if hasattr(configuration, name):
            assert getattr(module, name) == getattr(configuration, name), name
    from metaflow.plugins.datatools.s3 import s3op, s3tail, s3util
    for other in (s3op, s3tail, s3util, s3tail.S3Tail, s3util.get_s3_client):
        assert (getattr(other, "__module__", None) or other.__name__).startswith("metaflow.plugins.datatools.s3.s3")
    for other in (s3op, s3tail, s3util):
        assert os.path.dirname(other.__file__) == os.path.join(os.path.dirname(metaflow.__file__), "plugins/datatools/s3")
    assert module.get_s3_client is s3util.get_s3_client
"""


@pytest.mark.parametrize("version", VERSIONS)
def test_each_name_of_metaflows_module_is_there(version):
    run(NAMES, PYTHONPATH=python_path(version), METAFLOW_DATATOOLS_S3ROOT="s3://bucket/data", METAFLOW_S3_RETRY_COUNT="3")


def test_mfs3_never_imports_metaflow(root):
    run(
        """
        import asyncio, io, pickle, sys
        import fsspec
        import mfs3

        root = sys.argv[1]
        with mfs3.S3(s3root=root) as s3:
            s3.put("k", "v", metadata={"a": 1})
            s3.put_many([("a", "1"), ("b", io.BytesIO(b"2"))])
            found = pickle.loads(pickle.dumps([s3.get("k"), s3.info("k"), *s3.get_many("ab"), *s3.list_paths()]))
            assert found[0].text == "v" and found[0].path and found[0].metadata == {"a": 1}
            assert len(s3.list_recursive()) == len(s3.get_all()) == 3
            s3.copy("a", "c")
            s3.delete_many("abc")
            with s3.open("w", "wb") as file:
                file.write(b"w")
            assert s3.open("w").read() == b"w"
            pickle.loads(pickle.dumps(s3)).get("w")
            try:
                s3.get("none")
            except mfs3.MetaflowS3NotFound as error:
                pickle.loads(pickle.dumps(error))
        with mfs3.S3(s3root=root, inject_failure_rate=10) as s3:
            s3.get_many(["k"])

        async def program():
            async with mfs3.AsyncS3(s3root=root) as s3:
                await s3.put("k", "v")
                await s3.get_many(["k"])

        asyncio.run(program())
        mfs3.register("s3")
        assert fsspec.open(root + "/k").open().read() == b"v"
        assert mfs3.info()["metaflow_loaded"] is False
        assert not [name for name in sys.modules if name.split(".")[0] in ("metaflow", "metaflow_extensions", "boto3")]
        """,
        root,
    )


def test_it_can_be_switched_off(root):
    assert run(ALIASES, METAFLOW_S3_NATIVE="0").stdout.split()[0] == "False"


#: Shows whose client and whose datastore Metaflow has.
OWNERS = """
    from metaflow import S3
    from metaflow.plugins.datatools.s3.s3 import S3 as other
    from metaflow.plugins import DATASTORES
    [storage] = [one for one in DATASTORES if one.TYPE == "s3"]
    assert S3 is other
    print(S3.__module__, storage.__module__)
"""
OF_METAFLOW = ["metaflow.plugins.datatools.s3.s3", "metaflow.plugins.datastores.s3_storage"]
OURS = ["mfs3.s3", "mfs3.metaflow_storage"]


def test_without_the_native_library_metaflows_client_stays():
    done = run("import sys\nsys.modules['mfs3._native'] = None\n" + textwrap.dedent(OWNERS))
    assert done.stdout.split() == OF_METAFLOW
    assert done.stderr.count("mfs3 is not used") == 1


@pytest.mark.parametrize("version", VERSIONS)
def test_metaflows_client_stays_if_an_image_has_another_version_of_mfs3(tmp_path, version):
    """The files of the extension come from a laptop, in the code package."""
    shutil.copytree(os.path.dirname(mfs3.__file__), tmp_path / "before/mfs3")
    environment = {"PYTHONPATH": python_path(version, str(tmp_path / "before"))}
    assert run(OWNERS, **environment).stdout.split() == OURS
    (tmp_path / "before/mfs3/metaflow_module.py").unlink()
    done = run(OWNERS, **environment)
    assert done.stdout.split() == OF_METAFLOW
    assert done.stderr.count("mfs3 is not used, Metaflow's S3 client is") == 1, done.stderr
    assert run(OWNERS, METAFLOW_S3_NATIVE="0", **environment).stderr == ""


@pytest.mark.parametrize("version", VERSIONS)
def test_metaflows_client_stays_where_only_the_files_of_the_extension_are(tmp_path, version):
    """That is what a remote task gets whose image has no mfs3."""
    ours = os.path.dirname(os.path.dirname(mfs3.__file__))
    shutil.copytree(ours + "/metaflow_extensions/mfs3", tmp_path / "code/metaflow_extensions/mfs3")
    (tmp_path / "packages").mkdir()
    for name in os.listdir(sysconfig.get_path("purelib")):
        if not name.startswith(("mfs3", "metaflow_extensions")):
            (tmp_path / "packages" / name).symlink_to(os.path.join(sysconfig.get_path("purelib"), name))
    path = [str(tmp_path / "code"), VERSIONS[version], str(tmp_path / "packages")]
    environment = os.environ | {"USER": "tester", "PYTHONPATH": os.pathsep.join(filter(None, path))}
    # Without the packages of this interpreter, which may have mfs3.
    command = [sys.executable, "-S", "-c", textwrap.dedent(OWNERS)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.stdout.split() == OF_METAFLOW, done.stderr
    assert "No module named 'mfs3'" in done.stderr


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("setting", ["S3_VERIFY_CERTIFICATE", "DATATOOLS_CLIENT_PARAMS", "of the profile"])
def test_metaflows_client_stays_if_certificates_are_not_verified(tmp_path, version, setting):
    """Flows that ran with this setting still do."""
    values = {"S3_VERIFY_CERTIFICATE": "false", "DATATOOLS_CLIENT_PARAMS": '{"verify": false}'}
    environment = {"METAFLOW_" + setting: values[setting]} if setting in values else {"METAFLOW_HOME": str(tmp_path)}
    (tmp_path / "config.json").write_text('{"METAFLOW_S3_VERIFY_CERTIFICATE": "False"}')
    environment["PYTHONPATH"] = python_path(version)
    why = "S3_VERIFY_CERTIFICATE is false, and mfs3 always verifies certificates"
    told = "mfs3 is not used, Metaflow's S3 client is: %s\n" % why
    done = run(OWNERS, **environment)
    assert (done.stdout.split(), done.stderr.count(told)) == (OF_METAFLOW, 1)
    informed = "import mfs3\nprint(mfs3.info())\n%s\nprint(mfs3.info())" % textwrap.dedent(OWNERS)
    before, _, after = run(informed, **environment).stdout.splitlines()
    for shown in (before, after):
        assert eval(shown)["inactive_reason"] == why and not eval(shown)["active_in_metaflow"]


def test_it_tells_whether_it_is_active():
    program = "import mfs3, metaflow\ninfo = mfs3.info()\nprint(info['active_in_metaflow'], repr(info['inactive_reason']))"
    assert run(program).stdout == "True ''\n"
    assert run(program, METAFLOW_S3_VERIFY_CERTIFICATE="true").stdout == "True ''\n"
    assert run(program, METAFLOW_S3_NATIVE="0").stdout == "False 'METAFLOW_S3_NATIVE is 0'\n"


def test_settings_of_the_module_are_read_at_each_call(root):
    run(
        """
        import sys
        import metaflow.plugins.datatools.s3.s3 as module
        from metaflow.plugins.datatools.s3 import S3, MetaflowS3Exception
        module.S3_TRANSIENT_RETRY_COUNT = module.S3_RETRY_COUNT = 0
        with S3(s3root=sys.argv[1], inject_failure_rate=100) as s3:
            try:
                s3.put_many([("a", "1")])
            except MetaflowS3Exception as error:
                assert error.attempts == 1, error.attempts
                assert error.headline == "S3 access failed"
            else:
                raise AssertionError
            module.S3_RETRY_COUNT = 2
            try:
                s3.put_many([("a", "1")])
            except MetaflowS3Exception as error:
                assert error.attempts == 3, error.attempts
        """,
        root,
    )


def test_credentials_come_from_the_clients_of_boto3(root):
    run(
        """
        import os, sys
        from metaflow import S3
        endpoint, region = os.environ.pop("AWS_ENDPOINT_URL"), os.environ["AWS_REGION"]
        secret = {name: os.environ.pop("AWS_" + name) for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY")}
        params = {
            "endpoint_url": endpoint,
            "aws_access_key_id": secret["ACCESS_KEY_ID"],
            "aws_secret_access_key": secret["SECRET_ACCESS_KEY"],
        }
        with S3(s3root=sys.argv[1], client_params=params) as s3:
            s3.put("k", "v")
            assert [one.text for one in s3.get_many(["k"])] == ["v"]
        import boto3

        class External:
            client = boto3.client("s3", region_name=region, **params)

        with S3(s3root=sys.argv[1], external_client=External()) as s3:
            assert s3.get("k").text == "v"
        """,
        root,
    )


def test_the_datastore_saves_streams_from_where_metaflow_saves_them(root):
    run(
        """
        import sys
        from io import BytesIO
        import metaflow
        from mfs3.metaflow_storage import S3Storage
        import mfs3

        def at_the_end():
            stream = BytesIO()
            stream.write(b"content")
            return stream

        storage = S3Storage(sys.argv[1])
        storage.save_bytes([("few", at_the_end()), ("tuple", (at_the_end(), {"m": 1}))])
        storage.save_bytes([("many", at_the_end())], len_hint=11)
        with mfs3.S3(s3root=sys.argv[1]) as s3:
            assert s3.get("few").blob == s3.get("tuple").blob == b"content"
            assert s3.get("many").blob == b""
        """,
        root,
    )


def settings(root, version="current", **others):
    return {
        "METAFLOW_DEFAULT_DATASTORE": "s3",
        "METAFLOW_DEFAULT_METADATA": "local",
        "METAFLOW_DATASTORE_SYSROOT_S3": root,
        "METAFLOW_S3_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"],
        "PYTHONPATH": python_path(version, others.pop("before", None)),
        **others,
    }


#: Python imports this at its start.
WITHOUT_NATIVE = """
import sys

class Missing:
    def find_spec(name, path=None, target=None):
        if name == "mfs3._native":
            raise ImportError("there is no library")

sys.meta_path.insert(0, Missing)
"""


#: Pickles results of a client, or loads and shows them.
PICKLES = """
    import pickle, sys
    import metaflow
    from metaflow import S3
    if sys.argv[1] == "dump":
        with S3(s3root=sys.argv[2]) as s3:
            s3.put("k", "value", content_type="text/x", metadata={"a": [1, float("inf")]})
            found = [s3.get("k"), s3.info("k"), s3.list_paths()[0], s3.get("no", return_missing=True)]
        print(pickle.dumps(found).hex())
    else:
        for one in pickle.loads(bytes.fromhex(sys.argv[2])):
            print(one.url, one.key, one.prefix, one.exists, one.downloaded, one.size, one.content_type, one.metadata)
            print(one.has_info, one.range_info, bool(one.last_modified), getattr(one, "encryption", None))
"""


@pytest.mark.parametrize("version", VERSIONS)
def test_results_are_pickled_for_each_other_with_and_without_mfs3(root, version):
    def pickles(native, *arguments):
        return run(PICKLES, *arguments, **settings(root, version, METAFLOW_S3_NATIVE=native)).stdout

    of_metaflow, ours = pickles("0", "dump", root).strip(), pickles("1", "dump", root).strip()
    shown = pickles("0", "load", of_metaflow)
    assert "RangeInfo(total_size=5" in shown and root + "/no no" in shown and shown.count("[1, inf]") == 2
    assert pickles("1", "load", of_metaflow) == pickles("1", "load", ours) == shown
    # Metaflow's class has files only.
    in_metaflow = pickles("0", "load", ours)
    assert in_metaflow == shown.replace("True True 5 text/x", "True False 5 text/x")


@pytest.fixture
def flow(root, tmp_path):
    """Runs a flow with S3(run=self), foreach, IncludeFile, 100 artifacts and a card, and checks what it left in S3."""
    (tmp_path / "flow.py").write_text(FLOW)
    (tmp_path / "input.txt").write_text("hello")

    def run_flow(active, version="current", **others):
        done = run(str(tmp_path / "flow.py"), "run", **settings(root, version, **others))
        assert "ACTIVE %s" % active in done.stdout, done.stdout
        with mfs3.S3(s3root=root) as s3:
            keys = [found.key for found in s3.list_recursive()]
        assert sum("TestFlow/data/" in key for key in keys) > 100
        assert any("mf.cards" in key for key in keys)
        return done

    return run_flow


@pytest.mark.parametrize("version", VERSIONS)
def test_a_flow_runs_with_the_s3_datastore(flow, version):
    done = flow(True, version)
    if version != "current":
        assert "Metaflow %s" % version in done.stdout + done.stderr, done.stdout


def test_a_flow_runs_switched_off(flow):
    flow(False, METAFLOW_S3_NATIVE="0")


def test_a_flow_runs_without_the_native_library(flow, tmp_path):
    (tmp_path / "before").mkdir()
    (tmp_path / "before/sitecustomize.py").write_text(WITHOUT_NATIVE)
    done = flow(False, before=str(tmp_path / "before"))
    assert "mfs3 is not used, Metaflow's S3 client is" in done.stdout + done.stderr


def test_the_example_runs(root):
    example = os.path.join(os.path.dirname(__file__), "../examples/flow.py")
    done = run(os.path.abspath(example), "run", **settings(root))
    assert "100 objects; native client: True" in done.stdout, done.stdout
