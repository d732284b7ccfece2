"""A process and its connections move to another host: two halves that talk over one byte stream (docs/migration.md)."""
