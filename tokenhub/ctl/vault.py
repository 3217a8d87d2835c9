"""`tokenhubctl vault`: the encrypted store of provider keys."""

from tokenhub.ctl import passwords
from tokenhub.ctl.command import Call, Parsers, noun, verb

LABELS = {
    "state": "state",
    "enabled": "enabled",
    "slots": "opened by",
    "secrets": "secrets",
    "autolock_minutes": "auto-lock minutes",
    "locks_in_s": "locks in seconds",
}


def add(parsers: Parsers) -> None:
    """Add the noun to the command line."""
    verbs = noun(parsers, "vault", "the encrypted store of provider keys")
    one = "read the password from standard input"
    passwords.add_password_flag(verb(verbs, "init", "create the vault under a password", init), one)
    passwords.add_password_flag(verb(verbs, "unlock", "open the vault", unlock), one)
    verb(verbs, "lock", "close the vault", lock)
    rotation = verb(verbs, "rotate", "new data key, and a new password if one is given", rotate)
    passwords.add_password_flag(rotation, "read the old password, then the new one, a line each")
    rotation.add_argument("--keep-password", action="store_true", help="replace the data key only")
    verb(verbs, "status", "show the vault's state", status)


async def init(call: Call) -> None:
    """Create the vault."""
    password = (
        passwords.read_line("vault password")
        if call.args.password_stdin
        else passwords.ask_twice("new vault password")
    )
    answer = await call.client.vault_init(password)
    call.out.done("The vault is ready and unlocked. Nobody can recover its password.", answer)


async def unlock(call: Call) -> None:
    """Open the vault."""
    password = (
        passwords.read_line("vault password")
        if call.args.password_stdin
        else passwords.ask("vault password")
    )
    call.out.done("The vault is unlocked.", await call.client.vault_unlock(password))


async def lock(call: Call) -> None:
    """Close the vault."""
    answer = await call.client.vault_lock()
    call.out.done("The vault is locked: providers with a stored key cannot be called.", answer)


async def rotate(call: Call) -> None:
    """Replace the data key and, unless told not to, the password."""
    from_stdin, keep = call.args.password_stdin, call.args.keep_password
    old = (
        passwords.read_line("old vault password")
        if from_stdin
        else passwords.ask("old vault password")
    )
    new = None
    if not keep:
        new = (
            passwords.read_line("new vault password")
            if from_stdin
            else passwords.ask_twice("new vault password")
        )
    answer = await call.client.vault_rotate(old, new)
    call.out.done("The data key is new and every secret is encrypted under it.", answer)


async def status(call: Call) -> None:
    """Show the vault's state."""
    call.out.record(await call.client.vault(), LABELS)
