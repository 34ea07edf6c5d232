"""Each marked line is an error for mypy and for pyright."""

from mfs3 import S3, AsyncS3


def wrong(s3: S3, client: AsyncS3) -> None:
    s3.get(5)  # wrong
    s3.put("key", 5)  # wrong
    s3.put("key")  # wrong
    s3.get("key").blob.decode()  # wrong
    s3.presign("key", 60, "POST")  # wrong
    s3.open("key", "r")  # wrong
    s3.read_csv("key", index=0)  # wrong
    s3.read_parquet("key").nothing  # wrong
    print(s3.nothing)  # wrong
    text: str = s3.get("key").size  # wrong
    print(text, client.get("key").size)  # wrong
