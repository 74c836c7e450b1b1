"""What an import writes for its items: holdings, changes, item sets and restriction marks."""
