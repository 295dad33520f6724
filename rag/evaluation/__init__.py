"""Measuring Quoth: metrics, and what they are computed over."""
