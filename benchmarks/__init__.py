"""Our speed and safety in figures, beside other ways to do the same; each module is a command."""
