"""Errors of the command line that belong to no other part."""


class MissingExtra(Exception):
    """A part that is not installed with the rest; the message says how to install it."""
