"""The embedders, a module or folder each; ``bootstrap`` names the one that is loaded."""
