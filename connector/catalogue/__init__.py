"""The catalogue: items, files and item sets, with their search and exports."""
