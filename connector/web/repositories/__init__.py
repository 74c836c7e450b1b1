"""Pages that connect to a repository and choose what to import."""
