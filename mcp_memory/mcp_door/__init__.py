"""What the MCP door offers: tools, resources, prompts; ``mcp_memory.server`` puts them together."""
