"""What can be wrong with a question. Each message names the remedy."""


class InvalidQuestion(Exception):
    """The question is empty, too long or not text; the caller must change it."""


class EmptyCollection(Exception):
    """There is nothing to search; the caller must add documents first."""
