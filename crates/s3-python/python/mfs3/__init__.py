"""S3 for Metaflow, pandas and everybody else: Metaflow's `S3` class over a native engine, and a file system for fsspec.

With Metaflow installed, `from metaflow import S3` is this class; `METAFLOW_S3_NATIVE=0` switches that off.
`mfs3.info()` says whether it is active.
"""

from mfs3.records import RangeInfo, S3GetObject, S3PutObject
from mfs3.s3 import (
    S3,
    MetaflowS3AccessDenied,
    MetaflowS3Exception,
    MetaflowS3InsufficientDiskSpace,
    MetaflowS3InvalidObject,
    MetaflowS3InvalidRange,
    MetaflowS3NotFound,
    MetaflowS3URLException,
    S3Client,
    S3Object,
    check_s3_deps,
)

__version__ = "0.1.0"

__all__ = [
    "S3",
    "S3Client",
    "S3Object",
    "S3GetObject",
    "S3PutObject",
    "RangeInfo",
    "check_s3_deps",
    "MetaflowS3InvalidObject",
    "MetaflowS3URLException",
    "MetaflowS3Exception",
    "MetaflowS3NotFound",
    "MetaflowS3AccessDenied",
    "MetaflowS3InvalidRange",
    "MetaflowS3InsufficientDiskSpace",
    "info",
    "register",
]


def info():
    """Returns the version, and whether `from metaflow import S3` is this client."""
    import os
    import sys

    datatools = sys.modules.get("metaflow.plugins.datatools.s3.s3")
    return {
        "version": __version__,
        "metaflow_loaded": "metaflow" in sys.modules,
        "active_in_metaflow": getattr(datatools, "S3", None) is S3,
        "switched_off": os.environ.get("METAFLOW_S3_NATIVE") == "0",
    }


def register(protocol="s3"):
    """Makes fsspec use `mfs3` for this protocol in this process."""
    from mfs3.fsspec import register as register_protocol

    register_protocol(protocol)
