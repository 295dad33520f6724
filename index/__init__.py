"""Chunks in, ranked chunks out. Knows no question answering."""
