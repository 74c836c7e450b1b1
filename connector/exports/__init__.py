"""Exports: files with items of the catalogue for other programs, written by jobs and kept for a day."""
