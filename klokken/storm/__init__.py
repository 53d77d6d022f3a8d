"""A storm: planning it, having it rung on a load generator, and making results of it."""
