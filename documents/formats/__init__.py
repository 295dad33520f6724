"""Reads one format each: a decoded source in, its text, alignment and blocks out.

To add a format, write a module with a `parse(source: str) -> Parsed` and name it in
`documents/load.py`.
"""
