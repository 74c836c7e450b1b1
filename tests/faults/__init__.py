"""The fault matrix: each fault of a DSpace at each kind of object, and the result of an import."""
