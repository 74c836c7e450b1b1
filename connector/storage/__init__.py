"""The instance folder: stored files, garbage collection, disk space, virus scanner."""
