//! Bytes to age files and back: armored, by the age format (age-encryption.org/v1). Knows nothing of names and files.

use std::io::{Read as _, Write as _};

use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::{DecryptError, Decryptor, EncryptError, Encryptor};
use zeroize::Zeroizing;

use super::identities::{Ask, Identities};
use super::recipient::Recipient;
use crate::secret::Secret;

/// Larger files are no secrets but contents.
pub(super) const LARGEST: u64 = 1 << 20;

#[allow(clippy::disallowed_methods, reason = "into its encrypted file")]
pub(super) fn encrypt(secret: &Secret, to: &[Recipient], ask: &Ask) -> Result<Vec<u8>, String> {
    let keys: Vec<Box<dyn age::Recipient>> = to.iter().map(|key| key.key(ask)).collect::<Result<_, _>>()?;
    let encryptor = Encryptor::with_recipients(keys.iter().map(AsRef::as_ref)).map_err(|error| match error {
        EncryptError::MissingRecipients => "nobody would be able to read it".to_owned(),
        EncryptError::IncompatibleRecipients { .. } => {
            "age does not let post-quantum and other keys read the same file".to_owned()
        }
        other => other.to_string().trim().replace('\n', " "),
    })?;
    let write = || -> std::io::Result<Vec<u8>> {
        let armored = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor)?;
        let mut output = encryptor.wrap_output(armored)?;
        output.write_all(secret.reveal())?;
        output.finish()?.finish()
    };
    write().map_err(|error| error.to_string())
}

/// True if it is one whole age file, whoever may read it.
pub(super) fn is_age_file(file: &[u8]) -> bool {
    let mut plain = Vec::new();
    let whole = ArmoredReader::new(file).read_to_end(&mut plain).is_ok();
    whole && Decryptor::new_buffered(plain.as_slice()).is_ok()
}

/// `Err` says why not, without a remedy.
pub(super) fn decrypt(file: &[u8], identities: &Identities) -> Result<Secret, String> {
    let why = |error: DecryptError| match error {
        DecryptError::NoMatchingKeys => identities.why_none(),
        DecryptError::KeyDecryptionFailed => "your key could not be opened".to_owned(),
        DecryptError::InvalidHeader | DecryptError::UnknownFormat => "its file is no age file".to_owned(),
        DecryptError::InvalidMac | DecryptError::DecryptionFailed => "its file is damaged".to_owned(),
        other => other.to_string().trim().replace('\n', " "),
    };
    let decryptor = Decryptor::new_buffered(ArmoredReader::new(file)).map_err(why)?;
    if decryptor.is_scrypt() {
        return Err("its file is encrypted to a passphrase, not to people".to_owned());
    }
    let reader = decryptor.decrypt(std::iter::once(identities as &dyn age::Identity)).map_err(why)?;
    // Room for all of it at once: growing would leave copies behind that nobody wipes.
    let mut value = Zeroizing::new(Vec::with_capacity(file.len()));
    let damaged = |_| "its file is damaged".to_owned();
    reader.take(LARGEST).read_to_end(&mut value).map_err(damaged)?;
    Ok(Secret::new(std::mem::take(&mut *value)))
}
