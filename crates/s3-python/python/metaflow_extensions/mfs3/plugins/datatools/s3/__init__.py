# The package itself stays Metaflow's; only its module `s3` is replaced.
