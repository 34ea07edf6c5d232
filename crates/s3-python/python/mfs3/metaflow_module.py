"""Decides whether mfs3 replaces Metaflow's S3 client, and fills the module `metaflow.plugins.datatools.s3.s3`.

The files below `metaflow_extensions` call only this module of mfs3. They may come from a code package while mfs3 is the
version of an image, so they use few of its names, and work without it.
"""

import os
from types import ModuleType

from mfs3 import _config, _engines, exceptions, s3

#: The settings that Metaflow's module has as names.
_SETTINGS = (
    "DATATOOLS_S3ROOT",
    "S3_RETRY_COUNT",
    "S3_TRANSIENT_RETRY_COUNT",
    "S3_LOG_TRANSIENT_RETRIES",
    "S3_SERVER_SIDE_ENCRYPTION",
    "S3_WORKER_COUNT",
    "TEMPDIR",
)

#: The reason why mfs3 was not activated when Metaflow was loaded; empty if it was, None before the decision.
_decision: str | None = None


def inactive_reason() -> str:
    """Returns the reason why Metaflow's own client is or would be active; empty if it is not."""
    if os.environ.get("METAFLOW_S3_NATIVE") == "0":
        return "METAFLOW_S3_NATIVE is 0"
    return _missing_feature() if _decision is None else _decision


def _missing_feature() -> str:
    verify = _engines.configured_params(_config.Settings()).get("verify")
    if _engines.switches_verification_off(verify):
        return "S3_VERIFY_CERTIFICATE is false, and mfs3 always verifies certificates"
    return ""


def _decide() -> None:
    """Raises if the configuration asks for a feature that only Metaflow's client has."""
    global _decision
    if _decision is None:
        # Decided once, so that client and datastore are either both of mfs3 or both Metaflow's.
        try:
            _decision = _missing_feature()
        except Exception as error:
            _decision = "%s: %s" % (type(error).__name__, error)
    if _decision:
        raise ImportError(_decision)


def promoted_modules() -> list[str]:
    """Returns the modules that the extension replaces, or raises."""
    _decide()
    # The module instead of its package: replacing the package causes an endless recursion.
    return ["plugins.datatools.s3.s3"]


def datastores() -> list[tuple[str, str]]:
    """Returns the datastores that the extension adds, or raises."""
    _decide()
    return [("s3", "mfs3.metaflow_storage.S3Storage")]


def fill(module: ModuleType) -> None:
    """Fills a module with the names of Metaflow's S3 module.

    They include the settings: code and tests that replace them in the module change the client.
    """
    # Imported late, because the extension calls `promoted_modules` before Metaflow can be imported.
    import metaflow.metaflow_config as metaflow_config
    from metaflow.exception import MetaflowException

    names = vars(module)
    names.update((name, getattr(s3, name)) for name in s3.__all__)
    names.update(MetaflowException=MetaflowException, PutValue=s3.Value)
    try:
        from metaflow.plugins.datatools.s3.s3util import get_s3_client
    except ImportError:
        pass
    else:
        names["get_s3_client"] = get_s3_client
    try:
        from metaflow.debug import debug
    except ImportError:
        pass
    else:
        names["debug"] = debug
    exceptions.adopt_metaflow()
    # So that a task without mfs3 can unpickle objects: Metaflow's classes have the same names and state.
    for cls in (s3.S3Object, s3.S3GetObject, s3.S3PutObject, s3.RangeInfo):
        cls.__module__ = "metaflow.plugins.datatools.s3.s3"
    for name in _SETTINGS:
        # An older Metaflow does not have all of them.
        names[name] = getattr(metaflow_config, name, _config.DEFAULTS.get(name))
    _config.use_module(module)
