"""What a conversion says: the report, and how it is made."""
