"""A backup is one tar archive: the database, the stored files, the secret key, and a manifest that tells of them."""
