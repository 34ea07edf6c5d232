"""Certificate authorities, as programs and Metaflow's settings name them."""

import json
import os
import socket
import ssl
import subprocess
import sys
import threading

import pytest
import trustme

import mfs3
from mfs3 import S3
from mfs3.fsspec import S3FileSystem


@pytest.fixture
def https(server, tmp_path, monkeypatch):
    """The server behind TLS, and the file with its authority."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    port = int(server.rstrip("/").rsplit(":", 1)[1])
    listener = socket.create_server(("127.0.0.1", 0))

    def forward(source, target):
        try:
            while data := source.recv(1 << 16):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def serve(connection):
        try:
            inside = context.wrap_socket(connection, server_side=True)
        except OSError:
            return
        outside = socket.create_connection(("127.0.0.1", port))
        threading.Thread(target=forward, args=(outside, inside), daemon=True).start()
        forward(inside, outside)

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    url = "https://127.0.0.1:%d" % listener.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    # The machine may have authorities of its own.
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    yield url, str(tmp_path / "ca.pem")
    listener.close()


def works(root, **arguments):
    with S3(s3root=root, **arguments) as s3:
        s3.put("k", "v")
        return s3.get("k").text == "v"


@pytest.fixture
def few_attempts(monkeypatch):
    monkeypatch.setenv("METAFLOW_S3_RETRY_COUNT", "0")
    monkeypatch.setenv("METAFLOW_S3_TRANSIENT_RETRY_COUNT", "0")


def test_a_private_authority_is_not_trusted_unless_it_is_named(https, root, few_attempts, monkeypatch):
    _, bundle = https
    with pytest.raises(mfs3.MetaflowS3Exception, match="certificate is not trusted"):
        works(root)
    # Each of these is another engine, in the same process.
    assert works(root, client_params={"verify": bundle})
    with pytest.raises(mfs3.MetaflowS3Exception, match="certificate is not trusted"):
        works(root)
    monkeypatch.setenv("AWS_CA_BUNDLE", bundle)
    assert works(root)


def test_the_authorities_of_the_machine_are_those_of_ssl_cert_file(https, root):
    # Read once per process.
    program = "import sys, mfs3; mfs3.S3(s3root=sys.argv[1]).put('k', 'v')"
    done = subprocess.run([sys.executable, "-c", program, root], env={**os.environ, "SSL_CERT_FILE": https[1]})
    assert done.returncode == 0


def test_a_file_that_is_no_bundle_is_an_error_that_names_it(https, root, tmp_path):
    for path in (str(tmp_path / "missing.pem"), __file__):
        with pytest.raises(mfs3.MetaflowS3Exception, match=path):
            S3(s3root=root, client_params={"verify": path}).get("k")


def test_verification_cannot_be_switched_off(https, root):
    with pytest.raises(mfs3.MetaflowS3Exception, match="always verifies"):
        S3(s3root=root, client_params={"verify": False})


def test_a_client_of_boto3_brings_its_authorities(https, root):
    import boto3

    url, bundle = https

    class External:
        client = boto3.client("s3", endpoint_url=url, verify=bundle, region_name="us-east-1")

    assert works(root, external_client=External())


def test_metaflows_setting_names_a_bundle(https, root, tmp_path):
    from test_metaflow import run

    _, bundle = https
    program = """
        import sys
        from metaflow import S3
        import mfs3
        assert S3 is mfs3.S3
        with S3(s3root=sys.argv[1]) as s3:
            s3.put("k", "v")
            print(s3.get("k").text)
        """
    settings = {"METAFLOW_S3_VERIFY_CERTIFICATE": bundle, "METAFLOW_S3_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"]}
    assert run(program, root, **settings).stdout.strip() == "v"


def test_a_setting_names_a_bundle_whether_metaflow_is_loaded_or_not(https, root):
    _, bundle = https
    program = """
import sys, mfs3
assert "metaflow" not in sys.modules
mfs3.S3(s3root=sys.argv[1]).put("k", "v")
print(mfs3.S3(s3root=sys.argv[1]).get("k").text)
"""
    for settings in (
        {"METAFLOW_S3_VERIFY_CERTIFICATE": bundle},
        {"METAFLOW_DATATOOLS_CLIENT_PARAMS": json.dumps({"verify": bundle})},
    ):
        done = subprocess.run(
            [sys.executable, "-c", program, root], env={**os.environ, **settings}, capture_output=True, text=True
        )
        assert done.stdout.strip() == "v", done.stderr


def test_the_file_system_takes_a_bundle_as_s3fs_does(https, root):
    url, bundle = https
    fs = S3FileSystem(client_kwargs={"endpoint_url": url, "verify": bundle})
    fs.pipe(root + "/k", b"v")
    assert fs.cat(root + "/k") == b"v"
