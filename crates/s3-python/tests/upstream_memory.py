"""Plugin for Metaflow's tests: removes large objects from the server before each test that uploads one.

The tests hold 5 GB, 10 GB at times, and an object that is overwritten is held twice until it is complete.
"""

import os

#: Only the objects of 5 GB are larger.
_LARGE = 1 << 30


def pytest_runtest_setup(item):
    if not item.name.startswith("test_put_") or "5gb" not in item.name:
        return
    # Not with the client that is tested.
    import boto3

    bucket, _, prefix = os.environ["METAFLOW_S3_TEST_ROOT"][len("s3://") :].partition("/")
    client = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for found in page.get("Contents", []):
            if found["Size"] > _LARGE:
                client.delete_object(Bucket=bucket, Key=found["Key"])
