"""What memories, sessions and scopes are; pure, and known to every other part."""
