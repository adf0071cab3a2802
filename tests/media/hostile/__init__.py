"""Files that are made to hurt, and honest ones that are hard to get right: small generators, no files."""
