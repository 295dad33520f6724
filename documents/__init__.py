"""A file in, chunks out. Knows no model and no index."""
