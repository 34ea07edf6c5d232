"""Plugin for Metaflow's tests: frees memory of the server before the tests that upload 5 GB once more.

The tests hold 5 GB, one of them twice; the server holds what they have uploaded.
"""

import os

#: Only the objects of 5 GB are larger.
_LARGE = 1 << 30

_is_done = False


def pytest_runtest_setup(item):
    global _is_done
    if _is_done or getattr(item, "originalname", None) != "test_put_files":
        return
    _is_done = True
    # Not with the client that is tested.
    import boto3

    bucket, _, prefix = os.environ["METAFLOW_S3_TEST_ROOT"][len("s3://") :].partition("/")
    client = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for found in page.get("Contents", []):
            if found["Size"] > _LARGE:
                client.delete_object(Bucket=bucket, Key=found["Key"])
