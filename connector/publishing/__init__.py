"""Publishing: sends items and files of the catalogue to Omeka S sites, and keeps the edits that people make there."""
