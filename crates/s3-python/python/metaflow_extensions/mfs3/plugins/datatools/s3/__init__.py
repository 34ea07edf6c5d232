# Package of the replacement for Metaflow's module `s3`. Metaflow's own package `datatools.s3` is not replaced.
