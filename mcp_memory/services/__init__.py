"""The use cases, written once; every door calls them with the same requests."""
