"""`S3Storage`: Metaflow's S3 datastore over mfs3, which uploads the artifacts of a task in parallel."""

from io import IOBase

from metaflow.datastore.datastore_storage import CloseAfterUse, DataStoreStorage

from mfs3 import _config
from mfs3.records import S3PutObject
from mfs3.s3 import S3, S3Client


def _setting(name, default=None):
    import metaflow.metaflow_config

    return getattr(metaflow.metaflow_config, name, default)


class S3Storage(DataStoreStorage):
    TYPE = "s3"

    def __init__(self, root=None):
        super().__init__(root)
        self.s3_client = S3Client()

    @classmethod
    def get_datastore_root_from_config(cls, echo, create_on_absent=True):
        return _setting("DATASTORE_SYSROOT_S3")

    def _s3(self):
        return S3(
            s3root=self.datastore_root,
            tmproot=_setting("ARTIFACT_LOCALROOT", _config.DEFAULTS["TEMPDIR"]),
            external_client=self.s3_client,
        )

    def is_file(self, paths):
        with self._s3() as s3:
            return [found.exists for found in s3.info_many(paths, return_missing=True)]

    def info_file(self, path):
        with self._s3() as s3:
            found = s3.info(path, return_missing=True)
            return found.exists, found.metadata

    def size_file(self, path):
        with self._s3() as s3:
            return s3.info(path, return_missing=True).size

    def list_content(self, paths):
        start = len(self.datastore_root.rstrip("/")) + 1
        with self._s3() as s3:
            return [
                self.list_content_result(path=found.url[start:], is_file=found.exists)
                for found in s3.list_paths(paths)
            ]

    def save_bytes(self, path_and_bytes_iter, overwrite=False, len_hint=0):
        def objects():
            for path, obj in path_and_bytes_iter:
                value, metadata = obj if isinstance(obj, tuple) else (obj, None)
                # As in Metaflow, which uploads up to ten artifacts one by one, and rewinds those.
                if len_hint <= 10 and isinstance(value, IOBase) and value.seekable():
                    value.seek(0)
                yield S3PutObject(path, value, metadata=metadata)

        with self._s3() as s3:
            s3.put_many(objects(), overwrite)

    def load_bytes(self, paths):
        if not paths:
            return CloseAfterUse(iter([]))
        s3 = self._s3()

        def results():
            for found in s3.get_many(paths, return_missing=True):
                if found.exists:
                    yield found.key, found.path, found.metadata
                else:
                    yield found.key, None, None

        return CloseAfterUse(results(), closer=s3)
