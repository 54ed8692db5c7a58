"""What the rig raises."""


class RigError(Exception):
    """Something the rig needs is missing or did not start; the message says what, and what to do."""
