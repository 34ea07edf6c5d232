"""What `metaflow.plugins.datatools.s3.s3` is while mfs3 is active.

The settings are names of this module, as in Metaflow's own: code and tests that replace them here change the client.
"""

import sys as _sys

import metaflow.metaflow_config as _metaflow_config
from metaflow.exception import MetaflowException

from mfs3 import _config, exceptions as _exceptions
from mfs3.s3 import *  # noqa: F401,F403
from mfs3.s3 import S3, RangeInfo, S3Client, S3GetObject, S3Object, S3PutObject, check_s3_deps  # noqa: F401

from mfs3.s3 import Value as PutValue  # noqa: F401

try:
    from metaflow.plugins.datatools.s3.s3util import get_s3_client  # noqa: F401
except ImportError:
    pass

try:
    from metaflow.debug import debug
except ImportError:
    pass

_exceptions.adopt_metaflow()

# A task whose image has no mfs3 loads what others have pickled: Metaflow's classes have the same state.
for _class in (S3Object, S3GetObject, S3PutObject, RangeInfo):
    _class.__module__ = "metaflow.plugins.datatools.s3.s3"
del _class

for _name in (
    "DATATOOLS_S3ROOT",
    "S3_RETRY_COUNT",
    "S3_TRANSIENT_RETRY_COUNT",
    "S3_LOG_TRANSIENT_RETRIES",
    "S3_SERVER_SIDE_ENCRYPTION",
    "S3_WORKER_COUNT",
    "TEMPDIR",
):
    # An older Metaflow does not have all of them.
    globals()[_name] = getattr(_metaflow_config, _name, _config.DEFAULTS.get(_name))
del _name

_config.use_module(_sys.modules[__name__])
