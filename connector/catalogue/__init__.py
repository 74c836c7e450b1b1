"""What we hold: items, files, item sets; their pages and exports."""
