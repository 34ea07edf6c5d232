# There must be no __init__.py beside this file: Metaflow takes one of both.
module_overrides = "module_overrides"
