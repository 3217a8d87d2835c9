"""What a request may cost, and what it did cost.

`prices` and `address` are pure. `budgets` keeps in memory what was spent and what is reserved,
`experience` what is known of a model's token counts. `ledger` is what the road uses: an estimate
and a reservation before a call, a charge and a settlement after it, each exactly once.

Money is integer nano-dollars. Not in here: who may ask (`admission`), which model is taken
(`routing`), and reading usage out of answers (`wire`).
"""
