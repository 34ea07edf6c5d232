import os as _os

if _os.environ.get("METAFLOW_S3_NATIVE") != "0":
    try:
        from mfs3.metaflow_module import DATASTORES as DATASTORES_DESC
    except Exception:
        # module_overrides.py has said so.
        pass
