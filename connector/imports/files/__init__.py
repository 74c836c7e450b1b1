"""The files of imported items: downloads, statuses, counts, and checks of access at the source."""
