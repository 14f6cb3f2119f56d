"""The whole chain on real servers, from a declaration to a proved rollback."""
