import os as _os

if _os.environ.get("METAFLOW_S3_NATIVE") != "0":
    try:
        import mfs3._native as _native
    except ImportError:
        # module_overrides.py has said so.
        pass
    else:
        DATASTORES_DESC = [("s3", "mfs3.metaflow_storage.S3Storage")]
