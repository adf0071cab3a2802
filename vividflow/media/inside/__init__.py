"""Only ever imported by the warm child (decoder.py): this is where PIL and av are."""
