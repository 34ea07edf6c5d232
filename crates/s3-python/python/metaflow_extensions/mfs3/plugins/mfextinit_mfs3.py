import os as _os

if _os.environ.get("METAFLOW_S3_NATIVE") != "0":
    try:
        from mfs3 import metaflow_module as _metaflow_module

        DATASTORES_DESC = _metaflow_module.datastores()
    except Exception:
        # module_overrides.py has said so.
        pass
