"""Rules across events: `rules` looks at a run event by event, through the `glance` that each process sends, and tells at its end what the others found.

`ledger` keeps what is known of each of many ids (`ids`), `days` counts by day and hour, `cases` are what breaks a rule.
"""
