"""How an import reads a scope: all pages, only changes, a slice, or single items."""
