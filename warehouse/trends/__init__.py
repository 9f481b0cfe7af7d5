"""Trend views in SQL, the series read from them, and their statistics."""
