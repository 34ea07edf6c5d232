# Empty, but Metaflow wants it where an extension has files.
