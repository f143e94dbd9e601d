"""Bytes by name; without anything else, for whoever begins with little."""

MIB, GIB = 1 << 20, 1 << 30
