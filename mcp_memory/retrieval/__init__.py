"""Retrieval: what a question asks, what a memory offers, and in which order memories answer. Pure functions."""
