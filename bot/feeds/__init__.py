"""Live feeds: the pseudonymous answers to a form for one token, row by row, and what changed since they were read."""
