"""What the MCP door offers: tools, resources, prompts; ``memory_server`` puts them together."""
