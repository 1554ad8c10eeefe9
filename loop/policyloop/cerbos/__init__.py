"""The compiler's own output, read: one run's JSON in, findings and assertions out. Pure: nothing is started here."""
