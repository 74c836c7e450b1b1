"""The fault matrix: what a DSpace can do wrong at each kind of object, and what an import makes of it."""
