"""Answers about single images by the model of a completed run (X-17)."""
