"""The known repositories, the connection form, and the Import Options page."""
