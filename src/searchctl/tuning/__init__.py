"""Choosing an index's settings by judged queries."""
