"""Composition root: from settings to an open data folder, a server and a worker."""

from deepmed.app.opening import limit_threads, make_folder, open_home

__all__ = ["limit_threads", "make_folder", "open_home"]
