"""The engine core: token ids in, token ids out. No HTTP and no text in here."""
