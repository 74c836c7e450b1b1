"""The end of an import: unseen items, differences of counts, item sets, and what the source row keeps."""
