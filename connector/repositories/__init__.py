"""The repositories we know, the connection form, and the Import Options page."""
