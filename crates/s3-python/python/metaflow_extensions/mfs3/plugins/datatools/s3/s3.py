"""Replaces the module `metaflow.plugins.datatools.s3.s3` while mfs3 is active: fills itself with the names of mfs3."""

import sys as _sys

from mfs3 import metaflow_module as _metaflow_module

_metaflow_module.fill(_sys.modules[__name__])
