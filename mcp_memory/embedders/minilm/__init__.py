"""The bundled all-MiniLM-L6-v2: its files and the module that runs them; importing this package loads neither."""
