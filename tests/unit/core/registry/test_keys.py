import subprocess
import sys
from pathlib import Path

import pytest

from deepmed.core.registry.keys import fingerprint, is_signed, open_keys
from deepmed.kit.errors import ConfigurationError, IntegrityError

# RFC 8032, section 7.1, test 2: an oracle that knows nothing of this program.
RFC_PUBLIC = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
RFC_SIGNATURE = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)
RFC_MESSAGE = b"\x72"


def as_pem(raw: bytes) -> bytes:
    import base64

    body = base64.b64encode(bytes.fromhex("302a300506032b6570032100") + raw)
    return b"-----BEGIN PUBLIC KEY-----\n" + body + b"\n-----END PUBLIC KEY-----\n"


@pytest.mark.req("S-9.3")
def test_signatures_are_ed25519_as_in_the_rfc() -> None:
    assert is_signed(RFC_MESSAGE, RFC_SIGNATURE, as_pem(RFC_PUBLIC))
    assert not is_signed(b"\x73", RFC_SIGNATURE, as_pem(RFC_PUBLIC))


@pytest.mark.req("S-9.3")
def test_any_changed_byte_of_a_signature_is_refused(tmp_path: Path) -> None:
    keys = open_keys(tmp_path / "keys")
    signature = keys.sign(b"content")
    assert is_signed(b"content", signature, keys.public_key)
    for position in range(len(signature)):
        changed = bytearray(signature)
        changed[position] ^= 1
        assert not is_signed(b"content", bytes(changed), keys.public_key)
    assert not is_signed(b"content", signature + b"\n", keys.public_key)


def test_the_pair_is_made_once_for_this_user_alone(tmp_path: Path) -> None:
    first, second = open_keys(tmp_path / "keys"), open_keys(tmp_path / "keys")
    assert first.public_key == second.public_key
    assert first.fingerprint == fingerprint(second.public_key)
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "keys" / "signing.key").stat().st_mode & 0o777 == 0o600
    assert open_keys(tmp_path / "other").public_key != first.public_key


def test_processes_that_start_at_once_share_one_pair(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from deepmed.core.registry.keys import open_keys; "
        "print(open_keys(Path(sys.argv[1])).fingerprint)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "keys")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(3)]
    answers = {process.communicate()[0] for process in running}
    assert len(answers) == 1
    assert answers != {b""}


def test_a_lost_public_key_is_written_again(tmp_path: Path) -> None:
    keys = open_keys(tmp_path)
    (tmp_path / "signing.pub").unlink()
    assert open_keys(tmp_path).public_key == keys.public_key
    assert (tmp_path / "signing.pub").read_bytes() == keys.public_key


def test_a_key_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    open_keys(tmp_path)
    (tmp_path / "signing.key").chmod(0o640)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        open_keys(tmp_path)


def test_a_damaged_or_foreign_key_is_told(tmp_path: Path) -> None:
    open_keys(tmp_path / "a")
    other = open_keys(tmp_path / "b")
    (tmp_path / "a" / "signing.pub").write_bytes(other.public_key)
    with pytest.raises(IntegrityError, match="does not belong"):
        open_keys(tmp_path / "a")
    private = tmp_path / "a" / "signing.key"
    private.write_bytes(b"not a key")
    with pytest.raises(ConfigurationError, match="damaged"):
        open_keys(tmp_path / "a")
    for pem in (b"not a key", other._private.private_bytes_raw()):
        with pytest.raises(ConfigurationError, match="PEM"):
            is_signed(b"", b"", pem)


def test_a_key_of_another_kind_is_told(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
    )

    wrong = X25519PrivateKey.generate()
    private = tmp_path / "signing.key"
    private.touch(mode=0o600)
    private.write_bytes(wrong.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(ConfigurationError, match="Ed25519"):
        open_keys(tmp_path)
    public = wrong.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(ConfigurationError, match="Ed25519"):
        is_signed(b"", b"", public)


def test_a_half_written_key_of_a_killed_process_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "signing.new").write_bytes(b"half")
    assert open_keys(tmp_path).sign(b"x")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".lock",
        "signing.key",
        "signing.pub",
    ]
