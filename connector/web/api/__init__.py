"""The read-only JSON API for other programs, which send an access token."""
