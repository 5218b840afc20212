"""Who lets callers in: everybody, tokens of our own, or an issuer whose signed tokens we check."""
