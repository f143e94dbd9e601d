"""Whether the server and what it stands on are well (contract 2.7)."""
