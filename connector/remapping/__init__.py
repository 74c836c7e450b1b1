"""Applies the crosswalk of a repository again to the items that are held, as a job that can be undone."""
