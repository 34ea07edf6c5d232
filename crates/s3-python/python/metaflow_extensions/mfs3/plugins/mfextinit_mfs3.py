# Registers the S3 datastore of mfs3 with Metaflow, unless METAFLOW_S3_NATIVE is 0 or mfs3 cannot be used.
import os as _os

if _os.environ.get("METAFLOW_S3_NATIVE") != "0":
    try:
        from mfs3 import metaflow_module as _metaflow_module

        DATASTORES_DESC = _metaflow_module.datastores()
    except Exception:
        # module_overrides.py has printed the reason.
        pass
