"""Stores for a while: everything in RAM."""
