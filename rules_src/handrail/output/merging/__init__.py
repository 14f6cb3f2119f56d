"""Our part of a configuration and the file somebody has → the file with our part in it, and all else as it was."""
