//! Key pairs: the private half is a secret, the public half follows from it and is kept in clear. Takes random bytes or a
//! secret, gives the form that OpenSSH and `WireGuard` read. Writes nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{LineEnding, PrivateKey};
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use crate::secret::{Secret, SecretName};
use crate::secret_declaration::Generate;

/// Whether a public half is kept beside it.
pub fn is_pair(how: &Generate) -> bool {
    matches!(how, Generate::Ssh | Generate::Wireguard | Generate::Authority)
}

/// The public half as a line, or as the certificate of an authority, for whatever is a key pair. `Err` says why the value is no such key.
#[allow(clippy::disallowed_methods, reason = "only the public half of it goes on from here")]
pub fn public_half(how: &Generate, name: &SecretName, private: &Secret) -> Result<Option<String>, String> {
    match how {
        Generate::Ssh => {
            let key = PrivateKey::from_openssh(private.reveal())
                .map_err(|error| format!("it is no private key as OpenSSH writes it: {error}"))?;
            let mut public = key.public_key().clone();
            public.set_comment(name.to_string());
            public.to_openssh().map(|line| Some(format!("{line}\n"))).map_err(|error| error.to_string())
        }
        Generate::Wireguard => {
            let bytes = STANDARD.decode(private.reveal().trim_ascii()).map(Zeroizing::new).ok();
            let bytes: Option<Zeroizing<[u8; 32]>> =
                bytes.and_then(|bytes| bytes.as_slice().try_into().ok()).map(Zeroizing::new);
            let bytes = bytes.ok_or("it is no private key as `wg genkey` writes it: 32 bytes in base64")?;
            let public = PublicKey::from(&StaticSecret::from(*bytes));
            Ok(Some(format!("{}\n", STANDARD.encode(public.as_bytes()))))
        }
        Generate::Authority => super::authority::public_certificate(private).map(Some),
        _ => Ok(None),
    }
}

/// An Ed25519 key without a passphrase: the age file around it is its protection.
pub(super) fn ssh(seed: &[u8; 32]) -> Option<Secret> {
    let pair = KeypairData::from(Ed25519Keypair::from_seed(seed));
    let text = PrivateKey::new(pair, "").and_then(|key| key.to_openssh(LineEnding::LF)).ok()?;
    Some(Secret::new(text.as_bytes()))
}

/// Clamped, as `wg genkey` does it: some programs refuse a key that is not.
pub(super) fn wireguard(bytes: &[u8; 32]) -> Secret {
    let mut key = Zeroizing::new(*bytes);
    key[0] &= 0xf8;
    key[31] = key[31] & 0x7f | 0x40;
    Secret::new(STANDARD.encode(*key))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::OpenOptionsExt as _;
    use std::process::Command;

    use super::*;
    use crate::secrets::make::generated;

    fn name() -> SecretName {
        SecretName::parse("wiki/key").unwrap()
    }

    /// The private key in a file that only the owner reads, as `ssh-keygen` wants it.
    #[allow(clippy::disallowed_methods, reason = "a key that was made for this test")]
    fn file_of(key: &Secret, path: &std::path::Path) {
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(path).unwrap();
        std::io::Write::write_all(&mut file, key.reveal()).unwrap();
    }

    #[test]
    fn ssh_keygen_finds_the_same_public_half() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let key = generated(&Generate::Ssh).unwrap();
        file_of(&key, &path);
        let told = Command::new("ssh-keygen").arg("-y").arg("-f").arg(&path).output().unwrap();
        assert!(told.status.success(), "{told:?}");
        let told = String::from_utf8(told.stdout).unwrap();
        let public = public_half(&Generate::Ssh, &name(), &key).unwrap().unwrap();
        assert_eq!(public, format!("{} wiki/key\n", told.trim_end()));
    }

    #[test]
    fn what_ssh_keygen_made_has_the_public_half_that_it_says() {
        for kind in ["ed25519", "rsa", "ecdsa"] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("key");
            let mut made = Command::new("ssh-keygen");
            let made = made.args(["-q", "-N", "", "-C", "x", "-t", kind, "-f"]).arg(&path);
            assert!(made.status().unwrap().success());
            let key = Secret::new(std::fs::read(&path).unwrap());
            let told = std::fs::read_to_string(path.with_extension("pub")).unwrap();
            let public = public_half(&Generate::Ssh, &name(), &key).unwrap().unwrap();
            assert_eq!(public, told.replace(" x\n", " wiki/key\n"));
        }
        assert!(public_half(&Generate::Ssh, &name(), &Secret::new("no key")).is_err());
    }

    /// The pair of RFC 7748, 6.1, and what `wg pubkey` says of it.
    #[test]
    #[allow(clippy::disallowed_methods, reason = "a key that was made for this test")]
    fn the_public_half_of_wireguard_is_that_of_the_standard() {
        let private = Secret::new("dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=");
        let public = public_half(&Generate::Wireguard, &name(), &private).unwrap();
        assert_eq!(public.as_deref(), Some("hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=\n"));
        assert!(public_half(&Generate::Wireguard, &name(), &Secret::new("c2hvcnQ=")).is_err());
        let key = STANDARD.decode(generated(&Generate::Wireguard).unwrap().reveal()).unwrap();
        assert_eq!((key.len(), key[0] & 7, key[31] & 0xc0), (32, 0, 0x40), "clamped");
    }
}
