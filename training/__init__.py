"""Scripts that make the artifacts which are shipped. Run them as `python -m training.NAME`."""
