"""Makes `metaflow.plugins.datatools.s3.s3` the module of this extension, if mfs3 is there and supports the settings.

A remote task gets this extension in its code package, and `mfs3` only if its image has it, perhaps in another version.
Otherwise Metaflow's client stays.
"""

import os as _os
import sys as _sys

if _os.environ.get("METAFLOW_S3_NATIVE") != "0":
    try:
        from mfs3 import metaflow_module as _metaflow_module

        __mf_promote_submodules__ = _metaflow_module.promoted_modules()
    except Exception as _error:
        # Whatever it is, `import metaflow` has to work.
        _sys.stderr.write("mfs3 is not used, Metaflow's S3 client is: %s\n" % _error)
