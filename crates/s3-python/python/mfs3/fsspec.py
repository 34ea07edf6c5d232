"""`S3FileSystem`: a file system for fsspec. pandas, dask, pyarrow and others read and write `mfs3://` URLs with it.

It is synchronous, without an event loop, and works in forked processes. Listings are not cached.
`mfs3.register("s3")` makes it serve `s3://` too.
"""

import errno
import os
import pathlib
import re
import shutil
from typing import Any

import fsspec
from fsspec.callbacks import NoOpCallback
from fsspec.spec import AbstractFileSystem
from fsspec.utils import glob_translate

from mfs3 import _config as _config_module
from mfs3 import _engines, _native
from mfs3._fs_errors import FAILURES, file_errors, os_error
from mfs3._fs_files import S3File
from mfs3._fs_options import (
    TUNING,
    botocore_config,
    check_options,
    check_versions,
    first_given,
    type_of,
    write_attributes,
)
from mfs3.exceptions import (
    MetaflowS3AccessDenied,
    MetaflowS3Exception,
    MetaflowS3InvalidRange,
    MetaflowS3NotFound,
)

#: Maximum size of an object in memory: larger than any, because the methods return bytes.
_IN_MEMORY = 1 << 40

#: Maximum number of bytes between ranges of one file that are read together.
_GAP = 1 << 20

#: Maximum number of files of a recursive listing, before a depth-limited one continues level by level.
_LISTED_AT_ONCE = 2000


class S3FileSystem(AbstractFileSystem):
    """S3 as a file system.

    Parameters
    ----------
    key, secret, token : str, optional
        Credentials, or `username` and `password`; by default those of the environment, the profile or the machine.
    endpoint_url : str, optional
        The server; by default that of the environment or the profile, or AWS.
    anon : bool, default False
        Sends requests without a signature, as public buckets allow.
    profile : str, optional
        Where region, credentials and endpoint come from, instead of `AWS_PROFILE`.
    requester_pays : bool, default False
        Agrees to pay for requests and transfers.
    client_kwargs : dict, optional
        `endpoint_url`, `region_name`, `verify` (a file with the only trusted authorities) and keys, as in s3fs.
    config_kwargs : dict, optional
        `retries` (with `max_attempts` or `total_max_attempts`) and `s3` (with `addressing_style`), as in s3fs.
    s3_additional_kwargs : dict, optional
        Attributes of all writes: `ServerSideEncryption`, `SSEKMSKeyId`, `StorageClass`, `ACL`, `ContentType` and so on.
    default_block_size, default_cache_type : optional
        Of files that are opened.

    Other options, of the file system and of its methods, are errors unless they ask for nothing, or are fsspec's, or those
    of s3fs that only tune it.
    """

    protocol = ("mfs3", "s3", "s3a")
    root_marker = ""
    sep = "/"
    #: The protocol of URLs that it returns.
    _registered_for = "mfs3"

    def __init__(
        self,
        *,
        key: str | None = None,
        secret: str | None = None,
        token: str | None = None,
        username: str | None = None,
        password: str | None = None,
        endpoint_url: str | None = None,
        region: str | None = None,
        profile: str | None = None,
        client_kwargs: dict[str, Any] | None = None,
        config_kwargs: dict[str, Any] | None = None,
        s3_additional_kwargs: dict[str, Any] | None = None,
        anon: bool | None = False,
        requester_pays: bool | None = False,
        use_ssl: bool | None = True,
        default_block_size: int | None = None,
        default_cache_type: str | None = None,
        **kwargs: Any,
    ) -> None:
        check_options(kwargs, *TUNING)
        super().__init__(**{name: value for name, value in kwargs.items() if name not in TUNING})
        given = {name: value for name, value in (client_kwargs or {}).items() if value is not None}
        # Options in `client_kwargs` have lower precedence.
        self._endpoint = first_given(endpoint_url, given.pop("endpoint_url", None))
        self._region = first_given(region, given.pop("region_name", None))
        key = first_given(key, username, given.pop("aws_access_key_id", None))
        secret = first_given(secret, password, given.pop("aws_secret_access_key", None))
        token = first_given(token, given.pop("aws_session_token", None))
        self._ca_bundle = _engines.ca_bundle(given.pop("verify", None))
        if False in (use_ssl, given.pop("use_ssl", True)) and not self._endpoint:
            raise TypeError("use_ssl: mfs3 sends requests without encryption to an endpoint_url with http:// only")
        if given:
            raise ValueError("client_kwargs that mfs3 does not have: %s" % ", ".join(sorted(given)))
        if (key is None) != (secret is None):
            raise ValueError("key and secret must be given together")
        if token is not None and key is None:
            raise ValueError("token: key and secret must be given too")
        if anon and key is not None:
            raise ValueError("anon and key cannot be combined")
        self._anonymous = bool(anon)
        self._profile = profile
        self._credentials = None if key is None else (key, secret, token)
        self._attempts, self._virtual_host = botocore_config(config_kwargs or {})
        self._written_with = dict(s3_additional_kwargs or {})
        payer = self._written_with.pop("RequestPayer", None)
        self._requester_pays = bool(requester_pays) or payer == "requester"
        write_attributes(self._written_with, {})
        self._block_size = default_block_size
        self._cache_type = default_cache_type
        self._native = None

    def _client(self) -> Any:
        """The native client; a forked child makes its own."""
        if self._native is None or not self._native.is_ours():
            credentials = self._credentials
            settings = {
                "endpoint": self._endpoint,
                "region": self._region,
                "profile": self._profile,
                "ca_bundle": self._ca_bundle,
                "anonymous": self._anonymous,
                "requester_pays": self._requester_pays,
                "virtual_host": self._virtual_host,
                "attempts": self._attempts or _config_module.Settings().attempts_if_configured(),
            }
            key = ("fsspec", credentials, _engines.environment(), *settings.values())
            engine = _engines.engine(
                key,
                lambda: _native.Engine(
                    credentials=None if credentials is None else lambda: credentials,
                    max_in_memory=_IN_MEMORY,
                    memory=_IN_MEMORY,
                    **settings,
                ),
            )
            self._native = _native.Client(engine, tmproot="/")
        return self._native

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        if isinstance(path, list):
            return [cls._strip_protocol(one) for one in path]
        path = str(path) if not isinstance(path, str) else path
        for protocol in cls.protocol:
            for mark in ("://", "::"):
                if path.startswith(protocol + mark):
                    # No bucket has an empty name.
                    return path[len(protocol) + len(mark) :].strip("/")
        return path.strip("/")

    def unstrip_protocol(self, name: str) -> str:
        """The URL of a path: with `s3://` where this file system is registered for it, so that others understand it."""
        return "%s://%s" % (self._registered_for, self._strip_protocol(name))

    @staticmethod
    def _url(path: str) -> str:
        return "s3://" + path

    def _object(self, path: str) -> str:
        """The URL of an object; rejects a bucket alone."""
        path = self._strip_protocol(path)
        if "/" not in path:
            raise os_error(errno.ENOENT if path == "" else errno.EISDIR, path)
        return self._url(path)

    # -- metadata and listings

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        check_options(kwargs)
        path = self._strip_protocol(path)
        if path == "":
            return _directory("")
        if "/" not in path:
            if not self._has_bucket(path):
                raise os_error(errno.ENOENT, path)
            return _directory(path)
        with file_errors(path):
            found = self._client().info(self._url(path), return_missing=True)
        if found.exists:
            return _file(
                path,
                found.size,
                found.last_modified,
                found.etag,
                found.storage_class,
                ContentType=found.content_type,
                VersionId=found.version,
            )
        if any(self._list(path + "/", limit=1)):
            return _directory(path)
        raise os_error(errno.ENOENT, path)

    def _list(self, start: str, **options: Any) -> Any:
        """Returns the objects and directories whose paths begin with `start`; none if the bucket does not exist."""
        try:
            with file_errors(start):
                return self._client().list_prefix(self._url(start), **options)
        except FileNotFoundError:
            return [], []

    def exists(self, path: str, **kwargs: Any) -> bool:
        """Returns whether a file or a directory exists. A failed request raises an exception."""
        check_options(kwargs)
        try:
            self.info(path)
        except FileNotFoundError:
            return False
        return True

    def isfile(self, path: str) -> bool:
        path = self._strip_protocol(path)
        if "/" not in path:
            return False
        with file_errors(path):
            return self._client().info(self._url(path), return_missing=True).exists

    def isdir(self, path: str) -> bool:
        path = self._strip_protocol(path)
        if "/" not in path:
            return path == "" or self._has_bucket(path)
        return any(self._list(path + "/", limit=1))

    def _has_bucket(self, name: str) -> bool:
        try:
            with file_errors(name):
                self._client().list_prefix(self._url(name + "/"), limit=1)
        except FileNotFoundError:
            return False
        return True

    def ls(self, path: str, detail: bool = False, **kwargs: Any) -> Any:
        """Returns names, or with `detail` dictionaries. As in s3fs, names are the default."""
        check_versions(kwargs)
        path = self._strip_protocol(path)
        if path == "":
            # As in s3fs: an anonymous user has no buckets.
            if self._anonymous:
                return []
            with file_errors(path):
                entries = [_directory(name, "BUCKET") for name in self._client().list_buckets()]
            return entries if detail else [entry["name"] for entry in entries]
        files, directories = self._entries(path + "/", depth=1, withdirs=True)
        found = [*files.values(), *directories.values()]
        if not found:
            # An empty bucket, a file, a marker, or nothing.
            about = self.info(path)
            found = [about] if about["type"] == "file" else []
        found.sort(key=lambda entry: entry["name"])
        return found if detail else [entry["name"] for entry in found]

    def _entries(
        self, start: str, depth: int | None = None, withdirs: bool = False, pattern: list[str] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The files, and `withdirs` the directories, whose paths begin so, down to a depth below the last slash.

        A name may be in both: S3 keeps an object next to others whose keys continue with a slash.
        """
        listed, prefixes = self._listed(start, depth, pattern)
        base = start.rindex("/") + 1
        files, directories = {}, {}
        for name, size, modified, etag, storage_class in listed:
            below = name[base:].split("/")
            for end in range(1, min(len(below), (depth or len(below)) + 1)) if withdirs else ():
                parent = name[:base] + "/".join(below[:end])
                if parent not in directories and below[end - 1]:
                    directories[parent] = _directory(parent)
            # A slash at the end marks a directory, which is not a file even if the object has content.
            if below[-1] and (depth is None or len(below) <= depth):
                files[name] = _file(name, size, modified, etag, storage_class)
        for name in prefixes if withdirs else ():
            # An empty name would mean the directory itself.
            if not name.endswith("//"):
                directories[name[:-1]] = _directory(name[:-1])
        return files, directories

    def _listed(self, start: str, depth: int | None, pattern: list[str] | None) -> tuple[list[Any], list[str]]:
        """Files and directories that begin with `start`, down to a depth below the last slash, or more of them.

        With a pattern for each level, directories that do not match it are left out.
        """
        if depth is None or depth == 1:
            return self._list(start, one_level=depth == 1)
        # One recursive listing is faster than one request per directory, unless there are many deeper files.
        files, directories = self._list(start, limit=_LISTED_AT_ONCE + 1)
        if len(files) <= _LISTED_AT_ONCE:
            return files, directories
        files, directories = self._list(start, one_level=True)
        below = directories
        for level in range(1, depth):
            literal, name = "", None
            if pattern:
                literal = re.split(r"[*?\[]", pattern[level], maxsplit=1)[0]
                name = re.compile(glob_translate(pattern[level - 1]))
            # A directory with an empty name is always listed: its files belong to its parent.
            below = [one for one in below if not name or one.endswith("//") or name.match(one.split("/")[-2])]
            if not below:
                break
            with file_errors(start):
                more, below = self._client().list_levels([self._url(one + literal) for one in below])
            files = files + more
            directories = directories + below
        return files, directories

    def find(
        self,
        path: str,
        maxdepth: int | None = None,
        withdirs: bool = False,
        detail: bool = False,
        prefix: str | None = "",
        pattern: list[str] | None = None,
        **kwargs: Any,
    ) -> Any:
        """All files below a directory, by one parallel listing. With `prefix`, those whose path below it begins so."""
        # The others are of the call that expands a path with this one, and so is `pattern`: one for each level.
        check_versions(kwargs)
        prefix = prefix or ""
        path = self._strip_protocol(path)
        if maxdepth is not None and maxdepth < 1:
            raise ValueError("maxdepth must be at least 1")
        if not path:
            if maxdepth is None:
                raise _everything(path)
            found = super().find(path, maxdepth=maxdepth, withdirs=withdirs, detail=True, **kwargs)
            found = {name: entry for name, entry in found.items() if name.startswith(prefix)}
        else:
            # A slash in the prefix leads some levels down.
            depth = None if maxdepth is None else maxdepth - prefix.count("/")
            listed = depth is None or depth > 0
            files, directories = self._entries(path + "/" + prefix, depth, withdirs, pattern) if listed else ({}, {})
            # An object comes before a directory of its name.
            found = {**directories, **files}
            if not prefix and withdirs and (files or directories or self.isdir(path)):
                found[path] = _directory(path)
            if not prefix and not found and self.isfile(path):
                found[path] = self.info(path)
        names = sorted(found)
        return {name: found[name] for name in names} if detail else names

    def walk(self, path: str, maxdepth: int | None = None, **kwargs: Any) -> Any:
        if not self._strip_protocol(path) and maxdepth is None:
            raise _everything(path)
        return super().walk(path, maxdepth=maxdepth, **kwargs)

    def glob(self, path: str, maxdepth: int | None = None, **kwargs: Any) -> Any:
        """Files that match a pattern. Only paths with the pattern's literal beginning are listed."""
        stripped = self._strip_protocol(path)
        magic = re.search(r"[*?\[]", stripped)
        if magic and "/" in stripped[: magic.start()]:
            root = stripped.rindex("/", 0, magic.start()) + 1
            kwargs["prefix"] = stripped[root : magic.start()]
            if maxdepth is None and "**" not in stripped:
                kwargs["pattern"] = stripped[root:].split("/")
        return super().glob(path, maxdepth=maxdepth, **kwargs)

    def modified(self, path: str, version_id: str | None = None, refresh: bool = False) -> Any:
        about = self.info(path, version_id=version_id)
        if about["type"] == "directory":
            raise os_error(errno.EISDIR, path)
        return about["LastModified"]

    def du(
        self, path: str, total: bool = True, maxdepth: int | None = None, withdirs: bool = False, **kwargs: Any
    ) -> Any:
        found = self.find(path, maxdepth=maxdepth, withdirs=withdirs, detail=True, **kwargs)
        sizes = {name: entry["size"] for name, entry in found.items()}
        return sum(sizes.values()) if total else sizes

    def sizes(self, paths: list[str]) -> list[int | None]:
        paths = [self._strip_protocol(path) for path in paths]
        keys = [path for path in paths if "/" in path]
        with file_errors(keys):
            found = dict(zip(keys, self._client().info_many([self._url(path) for path in keys], return_missing=True)))
        return [found[path].size if path in found and found[path].exists else self.info(path)["size"] for path in paths]

    def checksum(self, path: str) -> int:
        about = self.info(path)
        return int(fsspec.utils.tokenize(about["ETag"], about["size"]), 16) if about["type"] == "file" else 0

    def ukey(self, path: str) -> str:
        about = self.info(path)
        return fsspec.utils.tokenize(about.get("ETag"), about["size"])

    def sign(self, path: str, expiration: float = 100, **kwargs: Any) -> str:
        return self.url(path, expires=expiration, **kwargs)

    # -- as in s3fs

    def url(self, path: str, expires: float = 3600, client_method: str = "get_object", **kwargs: Any) -> str:
        """A URL with which anybody may read the object, or with `put_object` write it, for some seconds."""
        check_options(kwargs)
        methods = {"get_object": "GET", "put_object": "PUT"}
        if client_method not in methods:
            raise ValueError("client_method %r: get_object or put_object" % (client_method,))
        with file_errors(path):
            return self._client().presign(self._object(path), float(expires), methods[client_method])

    def split_path(self, path: str) -> tuple[str, str, None]:
        """Bucket, key and version. There are no versions."""
        slashes = path[len(path.rstrip("/")) :]
        bucket, slash, key = self._strip_protocol(path).partition("/")
        return bucket, key + slashes if slash else "", None

    def metadata(self, path: str, refresh: bool = False, **kwargs: Any) -> dict[str, str]:
        """User metadata, with hyphens in its names."""
        check_options(kwargs)
        with file_errors(path):
            found = self._client().info(self._object(path)).user_metadata or {}
        return {name.replace("_", "-"): value for name, value in found.items()}

    def getxattr(self, path: str, attr_name: str, **kwargs: Any) -> str | None:
        return self.metadata(path, **kwargs).get(attr_name.replace("_", "-"))

    def setxattr(self, path: str, copy_kwargs: dict[str, Any] | None = None, **kw_args: str | None) -> None:
        """Changes user metadata, and removes entries that are `None`, by copying the object onto itself.

        `copy_kwargs` are attributes, such as `ContentType`; others stay.
        """
        options = dict(copy_kwargs or {})
        attributes, _ = write_attributes({}, options)
        check_options(options)
        changes = {name.replace("_", "-"): value for name, value in kw_args.items()}
        with file_errors(path):
            self._client().set_metadata(self._object(path), changes, attributes=attributes)

    def get_tags(self, path: str) -> dict[str, str]:
        with file_errors(path):
            return self._client().tags(self._object(path))

    def put_tags(self, path: str, tags: dict[str, str], mode: str = "o") -> None:
        """Replaces all tags, or with the mode `m` those that are named."""
        if mode not in ("o", "m"):
            raise ValueError("mode %r: o or m" % (mode,))
        if mode == "m":
            tags = {**self.get_tags(path), **tags}
        with file_errors(path):
            self._client().set_tags(self._object(path), tags)

    def merge(self, path: str, filelist: list[str], **kwargs: Any) -> None:
        """Writes a file that has the content of others, one after the other. The bytes pass through this process."""
        with self.open(path, "wb", **kwargs) as target:
            for one in filelist:
                with self.open(one) as source:
                    shutil.copyfileobj(source, target, S3File.DEFAULT_BLOCK_SIZE)

    def list_multipart_uploads(self, bucket: str) -> list[dict[str, Any]]:
        """Uploads that are neither complete nor cancelled, of all programs."""
        bucket = self._strip_protocol(bucket)
        with file_errors(bucket):
            found = self._client().list_uploads(self._url(bucket) + "/")
        return [
            {"Key": path.split("/", 1)[1], "UploadId": upload, "Initiated": None if begun is None else _time(begun)}
            for path, upload, begun in found
        ]

    def clear_multipart_uploads(self, bucket: str) -> None:
        """Cancels the uploads of a bucket, those that are in flight too."""
        bucket = self._strip_protocol(bucket)
        with file_errors(bucket):
            client = self._client()
            found = client.list_uploads(self._url(bucket) + "/")
            client.abort_uploads([(self._url(path), upload) for path, upload, _ in found])

    def is_bucket_versioned(self, bucket: str) -> bool:
        with file_errors(bucket):
            return self._client().is_versioned(self._strip_protocol(bucket))

    def make_bucket_versioned(self, bucket: str, versioned: bool = True) -> None:
        with file_errors(bucket):
            self._client().set_versioned(self._strip_protocol(bucket), bool(versioned))

    def bulk_delete(self, pathlist: list[str], **kwargs: Any) -> list[str]:
        """Deletes files, and returns their paths. It is no error if there is none."""
        check_options(kwargs)
        paths = [self._strip_protocol(path) for path in pathlist]
        with file_errors(paths):
            self._client().delete_many([self._object(path) for path in paths])
        return paths

    def connect(self, refresh: bool = False, kwargs: dict[str, Any] | None = None) -> None:
        """Does nothing: connections are made when they are needed."""

    def invalidate_region_cache(self) -> None:
        """Does nothing: there is no such cache, and none of listings."""

    # -- reads

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any) -> bytes:
        check_options(kwargs)
        url = self._object(path)
        with file_errors(path):
            if (start or 0) < 0 or (end or 0) < 0:
                start, end = self._absolute(path, start, end)
            offset, length = _range(start, end)
            if length == 0:
                self._client().info(url)
                return b""
            try:
                return self._client().get(url, offset, length, return_info=False).blob
            except MetaflowS3InvalidRange:
                # As a slice of Python: nothing lies beyond the end.
                return b""

    def _absolute(self, path: str, start: int | None, end: int | None) -> tuple[int | None, int | None]:
        size = self.info(path)["size"]
        start = max(0, size + start) if start is not None and start < 0 else start
        end = max(0, size + end) if end is not None and end < 0 else end
        return start, end

    def cat_ranges(
        self,
        paths: list[str],
        starts: int | list[int | None] | None,
        ends: int | list[int | None] | None,
        max_gap: int | None = None,
        on_error: str = "return",
        **kwargs: Any,
    ) -> list[Any]:
        """Reads ranges of many files in one call of the engine.

        Several ranges of one file are of one version of it; those at most `max_gap` bytes apart, 1 MiB by default, are read
        together.
        """
        check_options(kwargs)
        if not isinstance(starts, (list, tuple)):
            starts = [starts] * len(paths)
        if not isinstance(ends, (list, tuple)):
            ends = [ends] * len(paths)
        if len(starts) != len(paths) or len(ends) != len(paths):
            raise ValueError("paths, starts and ends must have the same length")
        ranges = list(zip(paths, starts, ends))
        results = self._read_ranges(ranges, _GAP if max_gap is None else max_gap)
        return self._read_many(ranges, on_error) if results is None else results

    def _read_ranges(self, ranges: list[tuple[str, int | None, int | None]], gap: int) -> list[Any] | None:
        """Reads all in one call of the engine. `None`: they are no ranges of a few files, or one cannot be read."""
        if len({path for path, _, _ in ranges}) == len(ranges):
            return None
        places: dict[str, list[int]] = {}
        asked: dict[str, list[tuple[int, int]]] = {}
        for place, (path, start, end) in enumerate(ranges):
            start = start or 0
            if start < 0 or end is None or end <= start:
                return None
            places.setdefault(path, []).append(place)
            asked.setdefault(path, []).append((start, end))
        try:
            read = self._client().get_ranges([(self._object(path), asked[path]) for path in asked], max(gap, 0))
        except (OSError, MetaflowS3Exception, MetaflowS3NotFound, MetaflowS3AccessDenied, MetaflowS3InvalidRange):
            return None
        results: list[Any] = [None] * len(ranges)
        for path, pieces in zip(asked, read):
            for place, piece in zip(places[path], pieces):
                results[place] = piece
        return results

    def _read_many(self, ranges: list[tuple[str, int | None, int | None]], on_error: str) -> list[Any]:
        """Returns the bytes or the exception of each range, or raises the first exception."""
        results = self._read_at_once(ranges)
        if results is None:
            results = []
            for path, start, end in ranges:
                try:
                    results.append(self.cat_file(path, start, end))
                except Exception as error:
                    if on_error == "raise":
                        raise
                    results.append(error)
        if on_error == "raise":
            for result in results:
                if isinstance(result, Exception):
                    raise result
        return results

    def _read_at_once(self, ranges: list[tuple[str, int | None, int | None]]) -> list[Any] | None:
        """Reads all in one call of the engine. `None`: each has to be read alone to know its outcome."""
        if not all((start or 0) >= 0 and (end is None or end > (start or 0)) for _, start, end in ranges):
            return None
        try:
            keys = [(self._object(path), *_range(start, end)) for path, start, end in ranges]
            found = self._client().get_many(keys, return_missing=True, return_info=False)
        except (OSError, *FAILURES):
            # OSError: a path without a key.
            return None
        return [
            one.blob if one.exists else os_error(errno.ENOENT, path) for one, (path, _, _) in zip(found, ranges)
        ]

    def cat(self, path: str | list[str], recursive: bool = False, on_error: str = "raise", **kwargs: Any) -> Any:
        check_options(kwargs, "start", "end")
        start, end = kwargs.get("start"), kwargs.get("end")
        paths = self.expand_path(path, recursive=recursive)
        several = len(paths) > 1 or isinstance(path, list) or paths[0] != self._strip_protocol(path)
        if not several:
            return self.cat_file(paths[0], start, end)
        found = zip(paths, self._read_many([(one, start, end) for one in paths], on_error))
        return {
            one: result for one, result in found if on_error != "omit" or not isinstance(result, Exception)
        }

    def get_file(self, rpath: str, lpath: Any, callback: Any = None, outfile: Any = None, **kwargs: Any) -> None:
        check_options(kwargs)
        rpath = self._strip_protocol(rpath)
        if outfile is not None or hasattr(lpath, "write"):
            return super().get_file(rpath, lpath, outfile=outfile, **kwargs)
        path = os.path.abspath(lpath)
        moved = None
        try:
            url = self._object(rpath)
            if _is_watching(callback):
                callback.set_size(self.info(rpath)["size"])
                moved = callback.relative_update
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with file_errors(rpath):
                self._client().download_file(url, path, return_info=False, progress=moved)
        except (FileNotFoundError, IsADirectoryError):
            if not self.isdir(rpath):
                raise
            os.makedirs(path, exist_ok=True)

    def get(
        self,
        rpath: str | list[str],
        lpath: Any,
        recursive: bool = False,
        callback: Any = None,
        maxdepth: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Downloads files and directories, in one call of the engine."""
        check_options(kwargs)
        plan = _Plan(self)
        AbstractFileSystem.get(plan, rpath, lpath, recursive=recursive, maxdepth=maxdepth)
        if any(hasattr(target, "write") for _, target in plan.pairs):
            for source, target in plan.pairs:
                self.get_file(source, target)
            return
        # Of several for one path, the last remains.
        files = {}
        for source, target in plan.pairs:
            if plan.types.get(source) == "directory" or "/" not in source:
                os.makedirs(target, exist_ok=True)
            else:
                files[os.path.abspath(target)] = source
        for directory in {os.path.dirname(path) for path in files}:
            os.makedirs(directory, exist_ok=True)
        for batch in _batches([(source, path) for path, source in files.items()], callback):
            sources = [source for source, _ in batch]
            with file_errors(sources):
                found = self._client().download_files([(self._url(source), path) for source, path in batch])
            for (source, path), one in zip(batch, found):
                if not one.exists:
                    if not self.isdir(source):
                        raise os_error(errno.ENOENT, source)
                    os.makedirs(path, exist_ok=True)
            _tell(callback, [(source, path, one.size or 0) for (source, path), one in zip(batch, found)])

    # -- writes

    def pipe_file(self, path: str, value: Any, mode: str = "overwrite", **kwargs: Any) -> None:
        """Writes bytes. Attributes are options by their names in the S3 API: `ContentType`, `Metadata` and so on."""
        options = self._write_options(kwargs)
        with file_errors(path):
            self._put(path, _bytes(value), mode, **options)

    def _write_options(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        """The attributes of a write, for the native client; other options are errors."""
        attributes, user = write_attributes(self._written_with, kwargs)
        check_options(kwargs)
        return {"attributes": attributes, "user": user}

    def _put(self, path: str, value: Any, mode: str, content_type: str | None = None, **options: Any) -> None:
        url, overwrite = self._object(path), mode != "create"
        _, _, already_there = self._client().put(url, value, content_type, overwrite=overwrite, **options)
        if already_there:
            raise os_error(errno.EEXIST, path)

    def pipe(self, path: str | dict[str, Any], value: Any = None, **kwargs: Any) -> None:
        if isinstance(path, dict) and "mode" not in kwargs:
            options = self._write_options(kwargs)
            with file_errors(list(path)):
                self._client().put_many(
                    [(self._object(one), _bytes(data), None, None, None) for one, data in path.items()], **options
                )
            return
        super().pipe(path, value, **kwargs)

    def put_file(self, lpath: Any, rpath: str, callback: Any = None, mode: str = "overwrite", **kwargs: Any) -> None:
        """Uploads a file. Its name says of which type it is, unless there is a `ContentType`."""
        options = self._write_options(kwargs)
        if os.path.isdir(lpath):
            self.makedirs(rpath, exist_ok=True)
            return
        # The error for a local file that is missing names it.
        size = os.stat(lpath).st_size
        moved = None
        if _is_watching(callback):
            callback.set_size(size)
            moved = callback.relative_update
        with file_errors(rpath):
            self._put(rpath, pathlib.Path(os.path.abspath(lpath)), mode, type_of(options, lpath), progress=moved, **options)

    def put(
        self,
        lpath: Any,
        rpath: str | list[str],
        recursive: bool = False,
        callback: Any = None,
        maxdepth: int | None = None,
        mode: str = "overwrite",
        **kwargs: Any,
    ) -> None:
        """Uploads files and directories, in one call of the engine."""
        options = self._write_options(kwargs)
        plan = _Plan(self)
        AbstractFileSystem.put(plan, lpath, rpath, recursive=recursive, maxdepth=maxdepth)
        directories = [target for source, target in plan.pairs if os.path.isdir(source)]
        self._make_buckets_of(directories)
        files = [(os.path.abspath(source), target) for source, target in plan.pairs if not os.path.isdir(source)]
        sizes = {source: os.stat(source).st_size for source, _ in files}
        for batch in _batches(files, callback):
            targets = [target for _, target in batch]
            objects = [
                (self._object(target), pathlib.Path(source), type_of(options, source), None, None)
                for source, target in batch
            ]
            with file_errors(targets):
                written = self._client().put_many(objects, overwrite=mode != "create", **options)
            for target, (_, _, already_there) in zip(targets, written):
                if already_there:
                    raise os_error(errno.EEXIST, target)
            _tell(callback, [(source, target, sizes[source]) for source, target in batch])

    def _make_buckets_of(self, directories: list[str]) -> None:
        """Creates the buckets of directories, which exist as soon as they have files."""
        for directory in {path.split("/", 1)[0]: path for path in directories}.values():
            self.makedirs(directory, exist_ok=True)

    def cp_file(self, path1: str, path2: str, **kwargs: Any) -> None:
        check_options(kwargs)
        source, target = self._strip_protocol(path1), self._strip_protocol(path2)
        if source != target and not self._copy([(source, target)])[0]:
            raise os_error(errno.ENOENT, path1)

    def _copy(self, pairs: list[tuple[str, str]], types: dict[str, str | None] | None = None) -> list[bool]:
        """Copies files, and makes directories; returns whether each source was there."""
        types = {} if types is None else types
        done = dict.fromkeys(pairs, True)
        directories = [pair for pair in pairs if "/" not in pair[0] or types.get(pair[0]) == "directory"]
        self._make_buckets_of([target for _, target in directories])
        known = set(directories)
        files = [pair for pair in pairs if pair not in known]
        sources, targets = {source for source, _ in files}, [target for _, target in files]
        # Copies run in order if a target is also a source, or is written twice.
        in_order = len(set(targets)) < len(files) or not sources.isdisjoint(targets)
        for batch in [[pair] for pair in files] if in_order else [files] if files else []:
            with file_errors([source for source, _ in batch]):
                copied = self._client().copy_many([(self._object(one), self._object(other)) for one, other in batch])
            done.update(zip(batch, copied))
        for pair, was_there in done.items():
            if not was_there and self.isdir(pair[0]):
                done[pair] = True
                self._make_buckets_of([pair[1]])
        return [done[pair] for pair in pairs]

    def _markers(self, pairs: list[tuple[str, str]], types: dict[str, str | None]) -> list[tuple[str, str, int]]:
        """The markers of directories, with their targets and sizes.

        A marker is an object whose key is the name of a directory and a slash. It is no file here, but may have content.
        """
        directories = [pair for pair in pairs if "/" in pair[0] and types.get(pair[0]) == "directory"]
        if not directories:
            return []
        names = [source + "/" for source, _ in directories]
        with file_errors(names):
            found = self._client().info_many([self._url(name) for name in names], return_missing=True)
        markers = []
        for (source, target), one in zip(directories, found):
            if one.exists and one.size and "/" not in target:
                raise OSError("cannot copy the content of %s/ to the bucket %s" % (source, target))
            if one.exists:
                markers.append((source + "/", target + "/", one.size or 0))
        return markers

    def _copy_markers(self, markers: list[tuple[str, str, int]]) -> None:
        # A bucket has no marker.
        pairs = [(source, target) for source, target, _ in markers if target.index("/") < len(target) - 1]
        if not pairs:
            return
        with file_errors([source for source, _ in pairs]):
            copied = self._client().copy_many([(self._url(source), self._url(target)) for source, target in pairs])
        for (source, _), was_there in zip(pairs, copied):
            if not was_there:
                raise os_error(errno.ENOENT, source)

    def copy(
        self,
        path1: str | list[str],
        path2: str | list[str],
        recursive: bool = False,
        maxdepth: int | None = None,
        on_error: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Copies files and directories, in one call of the engine. `on_error` is `raise`, or `ignore` if recursive."""
        check_options(kwargs)
        plan = _Plan(self)
        AbstractFileSystem.copy(plan, path1, path2, recursive=recursive, maxdepth=maxdepth)
        pairs = [pair for pair in plan.pairs if pair[0] != pair[1]]
        markers = self._markers(pairs, plan.types) if recursive else []
        copied = self._copy(pairs, plan.types)
        self._copy_markers(markers)
        if (on_error or ("ignore" if recursive else "raise")) == "raise":
            for (source, _), was_there in zip(pairs, copied):
                if not was_there:
                    raise os_error(errno.ENOENT, source)

    def mv(
        self,
        path1: str | list[str],
        path2: str | list[str],
        recursive: bool = False,
        maxdepth: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Moves files: copies all of them, and deletes those that were copied elsewhere."""
        check_options(kwargs)
        self._check_buckets(path1)
        if self._strip_protocol(path1) == self._strip_protocol(path2):
            return
        plan = _Plan(self)
        # This tells which source belongs to which target.
        AbstractFileSystem.copy(plan, path1, path2, recursive=recursive, maxdepth=maxdepth)
        self._find_types(plan.types, [source for source, _ in plan.pairs])
        directories = {source for source, _ in plan.pairs if plan.types[source] == "directory"}
        pairs = [pair for pair in plan.pairs if pair[0] != pair[1]]
        markers = self._markers(pairs, plan.types) if recursive else []
        _check_moves(plan.pairs + [(source, target) for source, target, size in markers if size], directories)
        for (source, _), was_there in zip(pairs, self._copy(pairs, plan.types)):
            if not was_there:
                raise os_error(errno.ENOENT, source)
        self._copy_markers(markers)
        moved = [source for source, _ in pairs if source not in directories]
        self._delete(moved + [source for source, _, _ in markers])

    def _delete(self, paths: list[str]) -> None:
        with file_errors(paths):
            if paths:
                self._client().delete_many([self._url(path) for path in paths])

    def rm_file(self, path: str) -> None:
        with file_errors(path):
            self._client().delete_many([self._object(path)])

    _rm = rm_file

    def rm(self, path: str | list[str], recursive: bool = False, maxdepth: int | None = None) -> None:
        """Deletes files, with `recursive` directories and buckets too. A bucket alone has to be empty."""
        self._check_buckets(path)
        if recursive and maxdepth is None:
            names = self._all_below(path)
            if not names:
                raise os_error(errno.ENOENT, path)
        else:
            plan = _Plan(self)
            names = plan.expand_path(path, recursive=recursive, maxdepth=maxdepth)
            given = {name for name in names if name not in plan.types}
            self._find_types(plan.types, given)
            for name in given:
                if "/" in name and plan.types[name] == "directory":
                    raise os_error(errno.EISDIR, name)
            # A directory that is removed may have a marker, an empty object of its name and a slash.
            marker = "/" if recursive else ""
            names = [
                name + marker if plan.types[name] == "directory" and "/" in name else name
                for name in names
                if recursive or plan.types[name] == "file" or "/" not in name
            ]
        keys = [name for name in names if "/" in name]
        self._delete(keys)
        for bucket in names:
            if "/" not in bucket:
                self.rmdir(bucket)

    def _all_below(self, path: str | list[str]) -> list[str]:
        """The keys of files and of all below them, with markers, and the buckets, that paths or patterns name."""
        names: set[str] = set()
        for one in [path] if isinstance(path, (str, os.PathLike)) else path:
            one = self._strip_protocol(one)
            if magic := re.search(r"[*?\[]", one):
                matched = set(self.glob(one))
                for name, *_ in self._list(one[: magic.start()])[0] if matched else ():
                    ends = (end for end, letter in enumerate(name + "/") if letter == "/")
                    if any(name[:end] in matched for end in ends):
                        names.add(name)
                continue
            names.update(name for name, *_ in self._list(one + "/")[0])
            if self.isfile(one) if "/" in one else self._has_bucket(one):
                names.add(one)
        return sorted(names)

    def _find_types(self, types: dict[str, str | None], paths: Any) -> None:
        """Adds the type of each path to `types`; raises an exception for a missing one."""
        paths = [path for path in paths if path not in types]
        keys = [path for path in paths if "/" in path]
        with file_errors(keys):
            found = self._client().info_many([self._url(path) for path in keys], return_missing=True) if keys else []
        types.update((path, "file") for path, one in zip(keys, found) if one.exists)
        for path in paths:
            if path not in types:
                types[path] = self.info(path)["type"]

    def _check_buckets(self, path: Any) -> None:
        """Raises for paths of all buckets: a delete of a whole account is a mistake."""
        for one in [path] if isinstance(path, (str, os.PathLike)) else path:
            bucket = self._strip_protocol(one).split("/", 1)[0]
            if not bucket or re.search(r"[*?\[]", bucket):
                raise _everything(one)

    def mkdir(self, path: str, create_parents: bool = True, **kwargs: Any) -> None:
        """Creates a bucket; directories in it exist as soon as they have files."""
        if kwargs.get("region_name") == self._region:
            kwargs.pop("region_name", None)
        check_options(kwargs)
        path = self._strip_protocol(path)
        if not path:
            raise os_error(errno.EINVAL, path)
        if "/" in path:
            bucket = path.split("/", 1)[0]
            try:
                has_bucket = self._has_bucket(bucket)
            except PermissionError:
                # Without permission to list the bucket, writing may still be allowed.
                has_bucket = True
            if not has_bucket and not create_parents:
                raise os_error(errno.ENOENT, bucket)
            if not has_bucket:
                self._create_bucket(bucket)
            return
        if self._has_bucket(path):
            raise os_error(errno.EEXIST, path)
        self._create_bucket(path)

    def _create_bucket(self, name: str) -> None:
        with file_errors(name):
            self._client().create_bucket(name)

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        try:
            self.mkdir(path, create_parents=True)
        except FileExistsError:
            if not exist_ok:
                raise

    def rmdir(self, path: str) -> None:
        path = self._strip_protocol(path)
        if "/" in path:
            if self.ls(path):
                raise os_error(errno.ENOTEMPTY, path)
            marker = self._url(path) + "/"
            with file_errors(path):
                # The directory may consist of its marker only.
                if self._client().info(marker, return_missing=True).size:
                    raise os_error(errno.ENOTEMPTY, path)
                self._client().delete_many([marker])
            return
        with file_errors(path):
            self._client().delete_bucket(path)

    def touch(self, path: str, truncate: bool = True, data: bytes | None = None, **kwargs: Any) -> None:
        if truncate:
            self.pipe_file(path, data or b"", **kwargs)
            return
        try:
            if not self.exists(path):
                # Another client may have created it meanwhile; it is not replaced.
                self.pipe_file(path, data or b"", mode="create", **kwargs)
                return
        except FileExistsError:
            pass
        raise NotImplementedError("S3 cannot change the time of an object")

    def created(self, path: str) -> Any:
        return self.modified(path)

    def open(self, path: str, mode: str = "rb", *args: Any, **kwargs: Any) -> Any:
        deferred = self.transaction.files if self._intrans else ()
        before = len(deferred)
        opened = super().open(path, mode, *args, **kwargs)
        if len(deferred) > before:
            # A text or compressed file has buffered bytes that the transaction has to write.
            deferred[-1].outermost = opened
        return opened

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        autocommit: bool = True,
        cache_options: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> "S3File":
        attributes, user = write_attributes(self._written_with, kwargs) if mode != "rb" else ({}, {})
        check_options(kwargs, "cache_type", "details", "size", "trim", "fill_cache")
        kwargs.pop("fill_cache", None)
        kwargs["cache_type"] = kwargs.get("cache_type") or self._cache_type
        # Both are checked again, atomically, when the file is closed.
        if mode == "ab" and self.exists(path):
            raise NotImplementedError("S3 cannot append to an object")
        if mode.startswith("x") and self._may_exist(path):
            raise os_error(errno.EEXIST, path)
        return S3File(
            self,
            path,
            mode,
            block_size or self._block_size or S3File.DEFAULT_BLOCK_SIZE,
            autocommit=autocommit,
            cache_options=cache_options,
            attributes=attributes,
            user=user,
            **kwargs,
        )

    def _may_exist(self, path: str) -> bool:
        try:
            return self.exists(path)
        except PermissionError:
            # Without permission to read, this is found out when the file is closed.
            return False


class _Plan:
    """Replaces the file system in methods of fsspec that expand paths, and caches their results.

    Results of a listing are reused. If a name is both an object and a directory, the object wins.
    """

    def __init__(self, fs: S3FileSystem) -> None:
        self._fs = fs
        #: `file`, `directory` or, for a missing path, `None`.
        self.types: dict[str, str | None] = {}
        #: Sources and targets.
        self.pairs: list[tuple[Any, Any]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fs, name)

    def expand_path(self, *args: Any, **kwargs: Any) -> Any:
        return AbstractFileSystem.expand_path(self, *args, **kwargs)

    def glob(self, path: str, **kwargs: Any) -> Any:
        return self._note(self._fs.glob(path, **{**kwargs, "detail": True}))

    def find(self, path: str, **kwargs: Any) -> Any:
        return self._note(self._fs.find(path, **{**kwargs, "detail": True}))

    def get_file(self, rpath: str, lpath: Any, **kwargs: Any) -> None:
        self.pairs.append((self._fs._strip_protocol(rpath), lpath))

    def put_file(self, lpath: Any, rpath: str, **kwargs: Any) -> None:
        self.pairs.append((lpath, self._fs._strip_protocol(rpath)))

    def cp_file(self, path1: str, path2: str, **kwargs: Any) -> None:
        self.pairs.append((self._fs._strip_protocol(path1), self._fs._strip_protocol(path2)))

    def _note(self, found: dict[str, Any]) -> list[str]:
        self.types.update((name, entry["type"]) for name, entry in found.items())
        return list(found)

    def exists(self, path: str) -> bool:
        return self._type(path) is not None

    def isdir(self, path: str) -> bool:
        try:
            return self._type(path) == "directory"
        except PermissionError:
            # Without permission to read, writing may still be allowed.
            return False

    def _type(self, path: str) -> str | None:
        path = self._fs._strip_protocol(path)
        if path not in self.types:
            try:
                self.types[path] = self._fs.info(path)["type"]
            except FileNotFoundError:
                self.types[path] = None
        return self.types[path]


#: Number of files that are transferred between two reports to a callback.
_TOLD_AFTER = 64


def _is_watching(callback: Any) -> bool:
    return callback is not None and not isinstance(callback, NoOpCallback)


def _batches(files: list[Any], callback: Any) -> Any:
    """Returns the files in one batch, or in several for a callback that reports progress."""
    if not _is_watching(callback):
        return [files] if files else []
    callback.set_size(len(files))
    return [files[start : start + _TOLD_AFTER] for start in range(0, len(files), _TOLD_AFTER)]


def _tell(callback: Any, files: list[tuple[str, str, int]]) -> None:
    """Reports transferred files to a callback: source, target and size."""
    for source, target, size in files if _is_watching(callback) else ():
        with callback.branched(source, target) as child:
            child.set_size(size)
            child.relative_update(size)
        callback.relative_update()


def _everything(path: Any) -> ValueError:
    return ValueError("%r is every bucket of the account: name one" % (path,))


def _bytes(value: Any) -> bytes:
    # Not `bytes(value)`, which for a number would be that number of zeros.
    return value if type(value) is bytes else memoryview(value).tobytes()


def _check_moves(pairs: list[tuple[str, str]], directories: set[str]) -> None:
    """Raises an exception for moves that lose a file: into the moved directory, two to one target, over a source."""
    targets: set[str] = set()
    for source, target in pairs:
        if source in directories:
            if target.startswith(source + "/"):
                raise OSError("cannot move %s below itself, to %s" % (source, target))
            continue
        if target in targets:
            raise OSError("cannot move two files to %s" % target)
        targets.add(target)
    for source, target in pairs:
        if source != target and source in targets:
            raise OSError("cannot move %s: another file is moved there" % source)


def _range(start: int | None, end: int | None) -> tuple[int | None, int | None]:
    start = start or 0
    if end is None:
        return (start, None) if start else (None, None)
    return start, max(0, end - start)


def _time(seconds: float) -> Any:
    import datetime

    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)


def _file(
    path: str, size: int | None, modified: float | None, etag: str | None, storage_class: str | None, **more: Any
) -> dict[str, Any]:
    """Returns the properties of a file under the names of fsspec and of s3fs."""
    return {
        "name": path,
        "Key": path,
        "size": size,
        "Size": size,
        "type": "file",
        # In quotes, as in listings and responses, because programs compare it.
        "ETag": None if etag is None else '"%s"' % etag,
        "LastModified": None if modified is None else _time(modified),
        "StorageClass": storage_class or "STANDARD",
        **more,
    }


def _directory(path: str, storage_class: str = "DIRECTORY") -> dict[str, Any]:
    return {"name": path, "Key": path, "size": 0, "Size": 0, "type": "directory", "StorageClass": storage_class}


def register(protocol: str = "s3") -> None:
    """Makes fsspec use this file system for a protocol in this process."""
    if protocol in S3FileSystem.protocol:
        S3FileSystem._registered_for = protocol
    fsspec.register_implementation(protocol, S3FileSystem, clobber=True)
