"""`make bench`: what an import costs, beside a bare client and the goals of the project. Prints tables."""
