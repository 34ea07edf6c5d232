"""`Settings`: reads Metaflow's settings, again at each call.

A value is looked up in the module that replaces Metaflow's S3 module (tests and users replace values there), then in
`metaflow.metaflow_config` if Metaflow is loaded, otherwise in environment and files as Metaflow reads them. Names that
an older Metaflow does not have get their defaults.
"""

import json
import os
import sys

from mfs3 import _native
from mfs3.exceptions import MetaflowS3Exception

DEFAULTS = {
    "DATATOOLS_S3ROOT": None,
    "S3_RETRY_COUNT": 7,
    "S3_TRANSIENT_RETRY_COUNT": 20,
    "S3_SERVER_SIDE_ENCRYPTION": None,
    "S3_WORKER_COUNT": 64,
    "S3_ENDPOINT_URL": None,
    "S3_VERIFY_CERTIFICATE": None,
    "TEMPDIR": ".",
    "DATATOOLS_CLIENT_PARAMS": {},
    "DATATOOLS_SESSION_VARS": {},
    "DEFAULT_AWS_CLIENT_PROVIDER": "boto3",
    "AWS_SANDBOX_ENABLED": False,
}

_override = None


def use_module(module):
    """Looks names up in this module first."""
    global _override
    _override = module


def _from_env():
    """Returns the settings of environment and files. As in Metaflow, parameters are JSON."""
    settings = _native.config_from_env()
    for name in ("DATATOOLS_CLIENT_PARAMS", "DATATOOLS_SESSION_VARS"):
        if text := settings[name]:
            try:
                value = json.loads(text)
            except ValueError as error:
                raise MetaflowS3Exception("METAFLOW_%s: not JSON: %s" % (name, error)) from None
            if not isinstance(value, dict):
                raise MetaflowS3Exception("METAFLOW_%s: %r is not a JSON object" % (name, text))
            settings[name] = value
    if (enabled := settings["AWS_SANDBOX_ENABLED"]) is not None:
        settings["AWS_SANDBOX_ENABLED"] = enabled.lower() not in ("0", "false")
    return settings


class Settings:
    """The settings at one moment."""

    def __init__(self):
        self._metaflow = sys.modules.get("metaflow.metaflow_config")
        self._own = None

    def get(self, name):
        if _override is not None and hasattr(_override, name):
            return getattr(_override, name)
        if self._metaflow is not None:
            return getattr(self._metaflow, name, DEFAULTS.get(name))
        if self._own is None:
            self._own = _from_env()
        value = self._own.get(name)
        return DEFAULTS.get(name) if value is None else value

    def attempts(self):
        """Returns the maximum number of attempts: the larger of both retry counts, plus the first attempt."""
        return max(int(self.get("S3_RETRY_COUNT")), int(self.get("S3_TRANSIENT_RETRY_COUNT"))) + 1

    def attempts_if_configured(self):
        """As `attempts`; None if both counts are the defaults, so that `AWS_MAX_ATTEMPTS` applies."""
        attempts = self.attempts()
        return None if attempts == DEFAULTS["S3_TRANSIENT_RETRY_COUNT"] + 1 else attempts

    def keep_files(self):
        debug = sys.modules.get("metaflow.debug")
        if debug is not None:
            return bool(getattr(debug.debug, "s3client", False))
        return bool(self.get("DEBUG_S3CLIENT"))

    def inject_failure_rate(self):
        return int(os.environ.get("METAFLOW_S3_TEST_RETRYABLE_FAILURES", 0))
