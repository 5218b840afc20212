"""Where records are taken from beside a store: the Redis of another program, a file."""
