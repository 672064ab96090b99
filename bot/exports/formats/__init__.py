"""The kinds of file: each takes an export's blocks as they come, and holds one block in memory at most."""
