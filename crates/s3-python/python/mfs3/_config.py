"""Metaflow's settings, read at each call.

In this order: the module that Metaflow's own client would be (its tests and users replace values there), then
`metaflow.metaflow_config` if Metaflow is loaded, then environment and files as Metaflow reads them. Names that an older
Metaflow does not have get their defaults.
"""

import os
import sys

from mfs3 import _native

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
            self._own = _native.config_from_env()
        value = self._own.get(name)
        return DEFAULTS.get(name) if value is None else value

    def attempts(self):
        """The larger of both retry counts, and the first attempt."""
        return max(int(self.get("S3_RETRY_COUNT")), int(self.get("S3_TRANSIENT_RETRY_COUNT"))) + 1

    def attempts_if_configured(self):
        """None if nothing is configured. Metaflow's counts come before `AWS_MAX_ATTEMPTS`."""
        attempts = self.attempts()
        if attempts != DEFAULTS["S3_TRANSIENT_RETRY_COUNT"] + 1:
            return attempts
        text = os.environ.get("AWS_MAX_ATTEMPTS", "").strip()
        return max(int(text), 1) if text.isdecimal() else None

    def keep_files(self):
        debug = sys.modules.get("metaflow.debug")
        if debug is not None:
            return bool(getattr(debug.debug, "s3client", False))
        return bool(self.get("DEBUG_S3CLIENT"))

    def inject_failure_rate(self):
        return int(os.environ.get("METAFLOW_S3_TEST_RETRYABLE_FAILURES", 0))
