"""What the REST door offers: a table of routes, each one call of one use case; ``mcp_memory.rest`` serves them."""
