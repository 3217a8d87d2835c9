"""Everything that outlives the process, in one SQLite file.

`database.Database` owns the file: one thread writes, two read, and settlements and log rows are
committed in groups. A repository module per aggregate (settings, providers, models, …) holds the
SQL as functions over a connection, run through `Database.write` and `Database.read`:

    await database.write(lambda connection: providers.upsert(connection, "openai", spec, now_ms))

No rules come in here: no validation, no prices, no permissions, no HTTP. Other rooms write no SQL.
"""
