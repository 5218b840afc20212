"""Queues: what wakes a worker for a job. They are strangers to the stores."""
