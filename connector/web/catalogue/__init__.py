"""Pages of the catalogue: items, item sets, missing items, takedown."""
