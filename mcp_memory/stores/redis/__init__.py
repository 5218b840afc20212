"""Stores in a Redis server with the Query Engine, which many machines may share."""
