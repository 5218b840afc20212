"""What every door over HTTP does before it answers: who asks, and whether a web page may have sent it."""
