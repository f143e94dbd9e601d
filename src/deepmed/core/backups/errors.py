from deepmed.kit.errors import ConflictError, DeepMedError, ValidationError


class BackupRefusedError(ValidationError):
    """This is not a whole backup that this installation signed; nothing was changed."""

    code = "backup_refused"


class PassphraseError(ValidationError):
    """The backup is encrypted, and this passphrase does not open it; nothing was changed."""

    code = "backup_passphrase"


class BackupBusyError(ConflictError):
    """Another backup or restore is under way; this one was not begun. Try again when it is done."""

    code = "backup_busy"


class AddressRefusedError(DeepMedError):
    """A request may not name another database by its address; nothing was connected to."""

    code = "address_refused"
    status = 501
