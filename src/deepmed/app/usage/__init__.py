"""How much the server is used (contract 2.10): counts, and nothing about a person."""
