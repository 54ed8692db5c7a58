"""The AWS side: the stack, and the way of a cluster's logs to its function."""
