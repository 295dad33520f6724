LOCAL = "http://localhost"
"""Where tests ask that have no socket: other names than this machine's are refused."""
