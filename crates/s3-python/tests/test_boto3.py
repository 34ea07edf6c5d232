"""Clients of boto3 that bring endpoint, credentials and settings, and parameters of such clients."""

from types import SimpleNamespace

import pytest

from mfs3 import _engines


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
