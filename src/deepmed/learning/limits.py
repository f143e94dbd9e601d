"""Limits that pages state too, apart from what computes with them and brings torch along."""

LIKENESS = 0.5
"""Rank correlation with the map of a detector that knows nothing; a faithful map lies below."""
