"""A store, which a receiver may be using → what is in it. Nothing here writes, migrates or waits for a writer."""
