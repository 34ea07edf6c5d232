# Names the module with the overrides of this extension. An __init__.py beside this file would conflict with it.
module_overrides = "module_overrides"
