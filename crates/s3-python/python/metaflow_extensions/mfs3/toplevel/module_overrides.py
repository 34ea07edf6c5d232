"""Replaces Metaflow's S3 module with that of this extension, if mfs3 is installed and supports the settings.

A remote task gets this extension in its code package, and `mfs3` only if its image has it, perhaps in another version.
Otherwise Metaflow's client is used.
"""

import os as _os
import sys as _sys

if _os.environ.get("METAFLOW_S3_NATIVE") != "0":
    try:
        from mfs3 import metaflow_module as _metaflow_module

        __mf_promote_submodules__ = _metaflow_module.promoted_modules()
    except Exception as _error:
        # `import metaflow` must not fail, whatever the error is.
        _sys.stderr.write("mfs3 is not used, Metaflow's S3 client is: %s\n" % _error)
