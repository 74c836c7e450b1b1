"""Pages of jobs, previews and sources."""
