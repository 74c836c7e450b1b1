"""Backups: one tar archive with the database, the stored files, the secret key, and a manifest of them."""
