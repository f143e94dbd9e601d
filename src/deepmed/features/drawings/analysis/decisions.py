"""What a decision can be, apart from all that makes one."""

ANSWERED = frozenset({"ranked", "manual"})
"""Decisions that could have been a flag; `not_supported` has a rank, and could not."""
