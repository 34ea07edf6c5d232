"""S3 for Metaflow, pandas and other programs: Metaflow's `S3` class over a native engine, and a file system for fsspec.

With Metaflow installed, `from metaflow import S3` is this class; `METAFLOW_S3_NATIVE=0` switches that off.
`mfs3.info()` says whether it is active.
"""

from mfs3 import s3
from mfs3.aio import AsyncS3 as AsyncS3
from mfs3.s3 import *  # noqa: F403

__version__ = "0.1.0"

__all__ = ["AsyncS3", "info", "register"]
__all__ += s3.__all__


def info() -> dict[str, object]:
    """Returns the version, whether `from metaflow import S3` is this client, and if not, the reason."""
    import os
    import sys

    from mfs3.metaflow_module import inactive_reason

    datatools = sys.modules.get("metaflow.plugins.datatools.s3.s3")
    return {
        "version": __version__,
        "metaflow_loaded": "metaflow" in sys.modules,
        "active_in_metaflow": getattr(datatools, "S3", None) is S3,
        "switched_off": os.environ.get("METAFLOW_S3_NATIVE") == "0",
        "inactive_reason": inactive_reason(),
    }


def register(protocol: str = "s3") -> None:
    """Makes fsspec use `mfs3` for this protocol in this process."""
    from mfs3.fsspec import register as register_protocol

    register_protocol(protocol)
