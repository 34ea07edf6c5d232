"""Makes `metaflow.plugins.datatools.s3.s3` the module of this extension, if the native library can be loaded.

A remote task gets this extension in its code package, and `mfs3` only if its image has it: then Metaflow's client stays.
"""

import os as _os
import sys as _sys

if _os.environ.get("METAFLOW_S3_NATIVE") != "0":
    try:
        import mfs3._native as _native
    except ImportError as _error:
        _sys.stderr.write("mfs3 is not used, Metaflow's S3 client is: %s\n" % _error)
    else:
        # The module and not its package: replacing the package ends in an endless recursion.
        __mf_promote_submodules__ = ["plugins.datatools.s3.s3"]
