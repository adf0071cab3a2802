"""One table, one file: a frozen dataclass and its few queries. Called records because *model* means an AI model here."""
