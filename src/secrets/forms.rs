//! Forms of a password that programs read instead of it: a hash with a random salt, made once. Takes the password, gives
//! the form, which is a secret too: who has it can guess at the password. Never keeps either.

use argon2::password_hash::PasswordHasher as _;
use bcrypt::Version;
use sha_crypt::ShaCrypt;

use crate::secret::Secret;
use crate::secret_declaration::Form;

/// 2 to this power rounds; a quarter of a second.
const BCRYPT_COST: u32 = 12;

/// `Err` says why this password has no such form. `user` is for `htpasswd` only.
#[allow(clippy::disallowed_methods, reason = "only a hash of it goes on from here, as a secret")]
pub(super) fn form(which: Form, user: Option<&str>, password: &Secret) -> Result<Secret, String> {
    if which == Form::Issuer {
        return super::authority::issuer(password);
    }
    let password = password.reveal();
    if password.contains(&0) {
        return Err("it holds a zero byte, where programs end a password".to_owned());
    }
    let made = match which {
        // `$2y$` is what Apache's htpasswd writes, and nginx and Caddy read it too.
        Form::Htpasswd => format!("{}:{}", user.unwrap_or_default(), bcrypted(password, Version::TwoY)?),
        Form::Bcrypt => bcrypted(password, Version::TwoB)?,
        Form::Argon2 => {
            let hash = argon2::Argon2::default().hash_password(password);
            hash.map_err(|error| error.to_string())?.to_string()
        }
        Form::Sha512crypt => {
            // 12 bytes are the 16 characters of salt that crypt(3) looks at; it ignores more, and would never agree
            let mut salt = [0; 12];
            rustix::rand::getrandom(&mut salt, rustix::rand::GetRandomFlags::empty())
                .map_err(|error| format!("the system gave no random bytes: {error}"))?;
            let hash = ShaCrypt::SHA512.hash_password_with_salt(password, &salt);
            hash.map_err(|error| error.to_string())?.to_string()
        }
        // of an authority, and made above
        Form::Issuer => return Err("it is no password".to_owned()),
    };
    Ok(Secret::new(made))
}

fn bcrypted(password: &[u8], version: Version) -> Result<String, String> {
    let parts = bcrypt::non_truncating_hash_with_result(password, BCRYPT_COST).map_err(|error| match error {
        bcrypt::BcryptError::Truncation(_) => "bcrypt reads 71 bytes of a password, this one is longer".to_owned(),
        other => other.to_string(),
    })?;
    Ok(parts.format_for_version(version))
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "values that were made for this test")]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use argon2::password_hash::PasswordVerifier as _;

    use super::*;

    const PASSWORD: &str = "correct horse \u{fc} $6$";

    fn made(which: Form) -> String {
        let made = form(which, Some("ana"), &Secret::new(PASSWORD)).unwrap();
        String::from_utf8(made.reveal().to_vec()).unwrap()
    }

    #[test]
    fn openssl_makes_the_same_sha512crypt() {
        let (made, again) = (made(Form::Sha512crypt), made(Form::Sha512crypt));
        assert_ne!(made, again, "another salt");
        let (salt, _) = made.strip_prefix("$6$").unwrap().rsplit_once('$').unwrap();
        let mut openssl = Command::new("openssl")
            .args(["passwd", "-6", "-salt", salt, "-stdin"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        openssl.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
        let told = openssl.wait_with_output().unwrap();
        assert_eq!(String::from_utf8(told.stdout).unwrap().trim_end(), made);
    }

    #[test]
    fn bcrypt_and_argon2_know_the_password_and_no_other() {
        let line = made(Form::Htpasswd);
        let hash = line.strip_prefix("ana:").unwrap();
        assert!(hash.starts_with("$2y$12$") && made(Form::Bcrypt).starts_with("$2b$12$"));
        assert!(bcrypt::verify(PASSWORD, hash).unwrap());
        assert!(!bcrypt::verify("another", hash).unwrap());
        let text = made(Form::Argon2);
        assert!(text.starts_with("$argon2id$v=19$"), "{text}");
        let hash = argon2::password_hash::phc::PasswordHash::new(&text).unwrap();
        let argon = argon2::Argon2::default();
        assert!(argon.verify_password(PASSWORD.as_bytes(), &hash).is_ok());
        assert!(argon.verify_password(b"another", &hash).is_err());
    }

    #[test]
    fn a_password_that_would_be_cut_short_is_refused() {
        assert!(form(Form::Bcrypt, None, &Secret::new("a".repeat(71))).is_ok());
        for (which, password) in [(Form::Bcrypt, "a".repeat(72)), (Form::Argon2, "a\0b".to_owned())] {
            assert!(form(which, None, &Secret::new(password)).is_err());
        }
    }
}
