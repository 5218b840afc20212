"""The ports: what the services need from outside, as pages of verbs with promises. Nothing here is an implementation.

Every port has a shipped fake that is a real, small implementation: the ephemeral store, the hashing embedder, the
inline queue, the scripted model.
"""
