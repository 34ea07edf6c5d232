"""Checks and converts options of the file system: those of s3fs, fsspec and botocore that mfs3 supports or ignores."""

import mimetypes
import os
from typing import Any

#: Options of s3fs that only tune it. They are ignored.
TUNING = {
    "cache_regions",
    "default_fill_cache",
    "fill_cache",
    "fixed_upload_size",
    "local_expiry_check",
    "max_concurrency",
}

#: Parameters of botocore that only tune it. They are ignored.
_TUNING_OF_BOTOCORE = {"connect_timeout", "max_pool_connections", "read_timeout", "tcp_keepalive"}

#: Options that fsspec and its callers give to every file system. They are ignored.
_WITHOUT_EFFECT = {
    "add_aliases",
    "add_docs",
    "asynchronous",
    "batch_size",
    "listings_expiry_time",
    "loop",
    "max_paths",
    "refresh",
    "skip_instance_cache",
    "use_listings_cache",
}


def first_given(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def botocore_config(given: dict[str, Any]) -> tuple[int | None, bool | None]:
    """Returns the number of attempts and the addressing style of a botocore configuration."""
    config = {name: value for name, value in given.items() if value and name not in _TUNING_OF_BOTOCORE}
    retries, s3 = dict(config.pop("retries", {})), dict(config.pop("s3", {}))
    retries.pop("mode", None)
    # `total_max_attempts` includes the first attempt, `max_attempts` does not.
    more = retries.pop("max_attempts", None)
    attempts = retries.pop("total_max_attempts", None if more is None else more + 1)
    virtual_host = {"virtual": True, "path": False}.get(s3.pop("addressing_style", None))
    if config or retries or s3:
        raise ValueError("config_kwargs that mfs3 does not have: %s" % ", ".join(sorted({**config, **retries, **s3})))
    return attempts, virtual_host


#: Attributes of an object that a write sends, by their names in the S3 API.
_ATTRIBUTES = {
    "ACL",
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "SSEKMSKeyId",
    "ServerSideEncryption",
    "StorageClass",
}


def write_attributes(always: dict[str, Any], options: dict[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Removes attributes and user metadata from the options of a write; returns them with those of every write."""
    found = {**always, **{name: options.pop(name) for name in list(options) if name in _ATTRIBUTES or name == "Metadata"}}
    found = {name: value for name, value in found.items() if value is not None}
    user = {name.replace("_", "-"): str(value) for name, value in found.pop("Metadata", {}).items()}
    if unknown := found.keys() - _ATTRIBUTES:
        raise TypeError("%s: mfs3 does not have this option" % ", ".join(sorted(unknown)))
    return {name: str(value) for name, value in found.items()}, user


def type_of(options: dict[str, Any], path: Any) -> str | None:
    """Returns the content type for the name of a file, unless the caller has given one."""
    return None if "ContentType" in options["attributes"] else mimetypes.guess_type(os.fspath(path))[0]


def check_options(options: dict[str, Any], *known: str) -> None:
    """Raises an exception for an option that mfs3 does not support."""
    check_versions(options)
    for name, value in options.items():
        # A value such as False, None or {} has no effect.
        if value and name not in known and name not in _WITHOUT_EFFECT:
            raise TypeError("%s: mfs3 does not have this option" % name)


def check_versions(options: dict[str, Any]) -> None:
    for name in ("version_id", "versions"):
        if options.pop(name, None):
            raise NotImplementedError("%s: mfs3 reads the current version of an object" % name)
