"""What runs in the processes of others: files that are handed to their interpreters as they are."""
