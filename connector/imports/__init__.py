"""Import jobs: create, claim, run, stop, resume, undo, re-run."""
