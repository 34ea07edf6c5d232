"""The content of `metaflow.plugins.datatools.s3.s3` while mfs3 is active, and whether it is.

The files below `metaflow_extensions` call this module and nothing else of mfs3. A code package brings those files from
one machine and an image has mfs3 of another version, so they use few names of it, and work without it.
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

#: Why mfs3 was not made active when Metaflow was loaded. Empty: it was.
_decision: str | None = None


def inactive_reason() -> str:
    """Returns why Metaflow's own client is active, or would be: empty if that is not the case."""
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
        # Once: the client and the datastore are the same side's.
        try:
            _decision = _missing_feature()
        except Exception as error:
            _decision = "%s: %s" % (type(error).__name__, error)
    if _decision:
        raise ImportError(_decision)


def promoted_modules() -> list[str]:
    """Returns the modules that the extension replaces, or raises."""
    _decide()
    # The module and not its package: replacing the package ends in an endless recursion.
    return ["plugins.datatools.s3.s3"]


def datastores() -> list[tuple[str, str]]:
    """Returns the datastores that the extension adds, or raises."""
    _decide()
    return [("s3", "mfs3.metaflow_storage.S3Storage")]


def fill(module: ModuleType) -> None:
    """Gives a module the names of Metaflow's.

    The settings are names of it too: code and tests that replace them there change the client.
    """
    # Not before: the extension asks for `promoted_modules` while Metaflow cannot be imported yet.
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
    # A task whose image has no mfs3 loads objects that others have pickled: Metaflow's classes have the same state.
    for cls in (s3.S3Object, s3.S3GetObject, s3.S3PutObject, s3.RangeInfo):
        cls.__module__ = "metaflow.plugins.datatools.s3.s3"
    for name in _SETTINGS:
        # An older Metaflow does not have all of them.
        names[name] = getattr(metaflow_config, name, _config.DEFAULTS.get(name))
    _config.use_module(module)
