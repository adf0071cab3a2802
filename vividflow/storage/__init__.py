"""Where finished files live: one small contract, one file a storage, an explicit table."""
