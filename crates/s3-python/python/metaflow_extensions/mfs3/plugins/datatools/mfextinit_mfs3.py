# Marks this directory as a part of the Metaflow extension mfs3. Metaflow requires the file; it has no content.
