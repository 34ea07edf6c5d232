"""Clients of boto3 that bring endpoint, credentials and settings, and parameters of such clients."""

import concurrent.futures
import http.server
import json
import os
import sys
import threading
import urllib.parse
from types import ModuleType, SimpleNamespace

import boto3
import botocore
import botocore.config
import pytest

from mfs3 import S3, MetaflowS3AccessDenied, MetaflowS3Exception, _config, _engines
from test_metaflow import run


def client(endpoint, region="eu-west-1", **config):
    """As much of a client of boto3 as is looked at."""
    config = SimpleNamespace(s3=None, signature_version="s3v4", proxies=None, **config)
    return SimpleNamespace(meta=SimpleNamespace(endpoint_url=endpoint, region_name=region, config=config))


@pytest.fixture
def made(monkeypatch):
    """The arguments of engines that are made."""
    arguments = []

    def engine(**given):
        arguments.append(given)
        return object()

    monkeypatch.setattr(_engines, "_engines", type(_engines._engines)())
    monkeypatch.setattr(_engines._native, "Engine", engine)
    return arguments


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://bucket.vpce-0a1b-x.s3.eu-west-1.vpce.amazonaws.com",
        "https://s3-fips.us-east-1.amazonaws.com",
        "https://s3.dualstack.eu-west-1.amazonaws.com",
        "https://name-123456789012.s3-accesspoint.eu-west-1.amazonaws.com",
        "https://s3.us-west-2.amazonaws.com",
        "http://minio:9000",
    ],
)
def test_the_endpoint_of_a_client_is_kept(made, monkeypatch, endpoint):
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    _engines.for_boto3(client(endpoint), (1, 64))
    assert [one["endpoint"] for one in made] == [endpoint]


def test_the_endpoint_of_a_region_is_that_of_the_native_client(made, monkeypatch):
    usual = [("https://s3.eu-west-1.amazonaws.com", "eu-west-1"), ("https://s3.amazonaws.com", "us-east-1")]
    usual.append(("https://s3.cn-north-1.amazonaws.com.cn", "cn-north-1"))
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    kept = [client(*one) for one in usual]
    for one in kept:
        _engines.for_boto3(one, (1, 64))
    assert [one["endpoint"] for one in made] == [None] * 3
    # Unless the environment names another one.
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://minio:9000")
    _engines.for_boto3(kept[0], (1, 64))
    assert made[-1]["endpoint"] == usual[0][0]


def test_an_unsigned_client_reads_what_everybody_may_read(server, root):
    """No bucket of this server is public: it denies anonymous access."""
    unsigned = botocore.config.Config(signature_version=botocore.UNSIGNED)

    class External:
        client = boto3.client("s3", endpoint_url=server, region_name="us-east-1", config=unsigned)

    with S3(external_client=External()) as s3:
        with pytest.raises(MetaflowS3AccessDenied):
            s3.get(root + "/k")


def test_settings_that_would_send_requests_elsewhere_are_warned_of(made):
    for given, name in (({"proxies": {"https": "http://proxy"}}, "proxies"), ({"s3": {"use_accelerate_endpoint": True}}, "use_accelerate_endpoint")):
        config = botocore.config.Config(**given)
        foreign = boto3.client("s3", endpoint_url="http://minio:9000", region_name="us-east-1", config=config)
        with pytest.warns(UserWarning, match=name):
            _engines.for_boto3(foreign, (1, 64))


def test_given_parameters_replace_those_of_the_configuration(made, monkeypatch, tmp_path):
    monkeypatch.setenv("METAFLOW_S3_ENDPOINT_URL", "http://minio:9000")
    monkeypatch.setenv("METAFLOW_S3_VERIFY_CERTIFICATE", "/configured.pem")
    monkeypatch.setenv("METAFLOW_DATATOOLS_CLIENT_PARAMS", '{"region_name": "eu-central-1"}')
    monkeypatch.setattr(_engines._native, "Client", lambda *_, **__: None)
    S3()
    S3(client_params={"region_name": "eu-west-1"})
    S3(client_params={"endpoint_url": "http://other", "verify": "/given.pem"})
    assert [(one["endpoint"], one["region"], one["ca_bundle"]) for one in made] == [
        ("http://minio:9000", "eu-central-1", "/configured.pem"),
        (None, "eu-west-1", None),
        ("http://other", None, "/given.pem"),
    ]
    monkeypatch.setenv("METAFLOW_DATATOOLS_CLIENT_PARAMS", '{"endpoint_url": "http://of-params"}')
    S3()
    assert made[-1]["endpoint"] == "http://of-params"
    for text in ("no", "[]"):
        monkeypatch.setenv("METAFLOW_DATATOOLS_CLIENT_PARAMS", text)
        with pytest.raises(MetaflowS3Exception, match="DATATOOLS_CLIENT_PARAMS"):
            S3()


def test_a_configuration_that_says_how_often_to_retry_needs_no_boto3():
    config = botocore.config.Config()
    # As Metaflow does.
    config.retries = {"max_attempts": 3}
    for one in (None, {}, {"retries": {}}, config, botocore.config.Config(retries={"mode": "standard"})):
        assert not _engines._configures(one)
    for one in ({"proxies": {}}, botocore.config.Config(region_name="eu-west-1"), object()):
        assert _engines._configures(one)


def test_threads_that_ask_for_engines_get_the_same(made):
    barrier = threading.Barrier(8)

    def ask(number):
        barrier.wait()
        return [_engines.engine(key % 20, object) for key in range(number, number + 500)]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(ask, range(8)))) == 8
    assert len(_engines._engines) == 16


def test_the_client_of_boto3_of_a_client_is_made_once_and_may_be_replaced(server, root):
    run(
        """
        import sys
        import boto3
        from metaflow import S3
        from metaflow.plugins.datatools.s3.s3 import MetaflowS3URLException, PutValue, get_s3_client

        params = {"endpoint_url": sys.argv[2], "region_name": "us-east-1"}
        with S3(s3root=sys.argv[1], client_params=params) as s3:
            url = s3.put("k", "v")
            assert s3._url("k") == s3._url("/k") == url and s3._url(None) == sys.argv[1]
            made = s3._s3_client.client
            assert s3._s3_client.client is made and s3._s3_client is s3._s3_client
            bucket, key = url[len("s3://") :].split("/", 1)
            made.delete_object(Bucket=bucket, Key=key)
            assert not s3.info("k", return_missing=True).exists

            class External:
                client = boto3.client("s3", **params)

            s3._s3_client = External()
            assert isinstance(s3._s3_client, External) and s3.put("k", "v") == url
            try:
                s3._url(url)
            except MetaflowS3URLException:
                pass
            else:
                raise AssertionError
        assert S3()._url(url) == url
        """,
        root,
        server,
    )


@pytest.fixture
def aws_clients(server, monkeypatch):
    """The arguments of clients of boto3 that Metaflow is asked for. Metaflow's configuration is not loaded."""
    arguments = []

    def get_aws_client(module, **given):
        arguments.append({"module": module, **given})
        return boto3.client(module, endpoint_url=server, region_name="us-east-1"), None

    for name in ("metaflow", "metaflow.plugins", "metaflow.plugins.aws", "metaflow.plugins.aws.aws_client"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules["metaflow.plugins.aws.aws_client"].get_aws_client = get_aws_client
    monkeypatch.delitem(sys.modules, "metaflow.metaflow_config", raising=False)
    monkeypatch.setattr(_config, "_override", None)
    monkeypatch.setattr(_engines, "_engines", type(_engines._engines)())
    return arguments


@pytest.mark.parametrize(
    "environment, given, asked",
    [
        ({}, {}, None),
        ({"AWS_SANDBOX_ENABLED": "0"}, {}, None),
        ({"AWS_SANDBOX_ENABLED": "False"}, {}, None),
        ({"AWS_SANDBOX_ENABLED": ""}, {}, None),
        ({"DEFAULT_AWS_CLIENT_PROVIDER": "boto3"}, {}, None),
        ({"DATATOOLS_SESSION_VARS": "{}"}, {}, None),
        ({"AWS_SANDBOX_ENABLED": "1"}, {}, {}),
        ({"AWS_SANDBOX_ENABLED": "true"}, {}, {}),
        ({"DEFAULT_AWS_CLIENT_PROVIDER": "other"}, {}, {}),
        ({"DATATOOLS_SESSION_VARS": '{"profile": "p"}'}, {}, {"session_vars": {"profile": "p"}}),
        ({}, {"role": "arn:aws:iam::1:role/r"}, {"role_arn": "arn:aws:iam::1:role/r"}),
        ({}, {"session_vars": {"a": "b"}}, {"session_vars": {"a": "b"}}),
        ({"DATATOOLS_CLIENT_PARAMS": '{"api_version": "2006-03-01"}'}, {}, {"client_params": {"api_version": "2006-03-01"}}),
    ],
)
def test_what_needs_a_client_of_boto3_gets_metaflows(aws_clients, root, monkeypatch, environment, given, asked):
    for name, value in environment.items():
        monkeypatch.setenv("METAFLOW_" + name, value)
    with S3(s3root=root, **given) as s3:
        s3.put("k", "v")
        assert s3.get("k").text == "v"
    none = {"module": "s3", "with_error": True, "role_arn": None, "session_vars": {}, "client_params": {}}
    assert aws_clients == ([] if asked is None else [{**none, **asked}])


class Tokens(http.server.BaseHTTPRequestHandler):
    """Gives out the credentials of the test's server: to the sandbox, and as STS."""

    def do_GET(self):
        assert (self.path, self.headers["x-api-key"]) == ("/auth/token", "secret-key")
        names = {"aws_access_key_id": "AWS_ACCESS_KEY_ID", "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY"}
        self.respond(json.dumps({name: os.environ[variable] for name, variable in names.items()}))

    def do_POST(self):
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        assert (form["Action"], form["RoleArn"]) == (["AssumeRole"], ["arn:aws:iam::123456789012:role/reader"])
        self.respond(
            '''<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
            <AssumedRoleUser><AssumedRoleId>i:s</AssumedRoleId><Arn>arn:aws:sts::1:assumed-role/r/s</Arn></AssumedRoleUser>
            <Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s</SecretAccessKey><SessionToken>token</SessionToken>
            <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>'''
            % (os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
        )

    def respond(self, text):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


@pytest.mark.parametrize("kind", ["sandbox", "role"])
def test_credentials_come_from_the_servers_that_metaflow_asks(root, server, kind):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Tokens) as tokens:
        threading.Thread(target=tokens.serve_forever, daemon=True).start()
        endpoint = "http://127.0.0.1:%d" % tokens.server_port
        run(
            """
            import sys
            import mfs3
            with mfs3.S3(s3root=sys.argv[1], **eval(sys.argv[2])) as s3:
                s3.put("k", "v")
                assert [one.text for one in s3.get_many(["k"])] == ["v"]
            import metaflow
            assert metaflow.S3 is mfs3.S3
            with mfs3.S3(s3root=sys.argv[1], **eval(sys.argv[2])) as s3:
                assert s3.get("k").text == "v"
            """,
            root,
            repr({"role": "arn:aws:iam::123456789012:role/reader"} if kind == "role" else {}),
            METAFLOW_S3_ENDPOINT_URL=server,
            METAFLOW_SERVICE_URL=endpoint,
            METAFLOW_AWS_SANDBOX_API_KEY="secret-key",
            METAFLOW_AWS_SANDBOX_REGION="us-east-1",
            METAFLOW_AWS_SANDBOX_ENABLED="1" if kind == "sandbox" else "0",
            AWS_ENDPOINT_URL_STS=endpoint,
            # The server of the test does not know these.
            AWS_ACCESS_KEY_ID="other",
            AWS_SECRET_ACCESS_KEY="other",
        )
        tokens.shutdown()
