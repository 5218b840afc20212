"""What is said to models, as text files; ``texts.text`` reads them."""
