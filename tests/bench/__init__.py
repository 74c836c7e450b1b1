"""`make bench`: measures imports beside a minimal client and the goals of the project. Prints tables."""
