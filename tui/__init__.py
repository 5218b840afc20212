"""The terminal interface: here its screens and widgets will stand, over the same use cases as every other door.

It holds nothing yet; the program does not offer it.
"""
