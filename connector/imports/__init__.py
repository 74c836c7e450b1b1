"""Imports of items: what an import does, its preview and its undo. Each subpackage is one part of it."""
