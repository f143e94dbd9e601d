"""Uploads that are analysed as a whole, each under one id from its files to its answers."""
