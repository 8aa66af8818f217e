//! A chapter's own authority: a key and the certificate that it signed itself, as one PEM text, which is a secret; and the
//! issuer, a second key that the authority vouches for. Hosts get the issuer only, so that the authority, which people
//! trust, stays in the store and a lost issuer can be replaced. Takes a secret or nothing, gives one. Writes nothing.

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::{AuthorityKeyIdentifier, BasicConstraints, KeyUsage, SubjectKeyIdentifier};
use openssl::x509::{X509, X509Builder, X509NameBuilder};
use zeroize::Zeroizing;

use crate::secret::Secret;

/// Days. People install the authority by hand, in browsers and telephones; the issuer is renewed by a rotation.
const AUTHORITY: i64 = 20 * 365;
const ISSUER: i64 = 10 * 365;

const DAY: i64 = 86_400;

/// A new authority: private key and certificate. `None` if the system gives no random bytes.
pub(super) fn authority() -> Option<Secret> {
    let key = new_key().ok()?;
    let certificate = certificate(&key, None, AUTHORITY).ok()?;
    pem(&key, &[&certificate]).ok()
}

/// A key that this authority vouches for, for servers' certificates and nothing else: its private key, its certificate and
/// that of the authority. `Err` says why the value is no authority.
pub(super) fn issuer(authority: &Secret) -> Result<Secret, String> {
    let (key, above) = parts(authority)?;
    let made = new_key().and_then(|own| {
        let certificate = certificate(&own, Some((&key, &above)), ISSUER)?;
        pem(&own, &[&certificate, &above])
    });
    made.map_err(|error| format!("no certificate can be made of it: {error}"))
}

/// The certificate of an authority: what others may know of it, and need to trust it.
pub(super) fn public_certificate(authority: &Secret) -> Result<String, String> {
    let (_, certificate) = parts(authority)?;
    let text = certificate.to_pem().map_err(|error| error.to_string())?;
    String::from_utf8(text).map_err(|error| error.to_string())
}

#[allow(clippy::disallowed_methods, reason = "only certificates go on from here, and keys into other secrets")]
fn parts(authority: &Secret) -> Result<(PKey<Private>, X509), String> {
    let text = authority.reveal();
    let key = PKey::private_key_from_pem(text).map_err(|_| "it holds no private key as PEM without a passphrase")?;
    let certificate = X509::from_pem(text).map_err(|_| "it holds no certificate as PEM")?;
    if !certificate.public_key().is_ok_and(|public| public.public_eq(&key)) {
        return Err("its certificate is not that of its private key".to_owned());
    }
    Ok((key, certificate))
}

/// P-256: what browsers, telephones and old clients of mail and voice all take.
fn new_key() -> Result<PKey<Private>, ErrorStack> {
    let curve = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    PKey::from_ec_key(EcKey::generate(&curve)?)
}

/// RFC 5280, 4.2.1. `above`: who vouches for it; without, it does so itself.
fn certificate(key: &PKey<Private>, above: Option<(&PKey<Private>, &X509)>, days: i64) -> Result<X509, ErrorStack> {
    let mut serial = BigNum::new()?;
    serial.rand(120, MsbOption::MAYBE_ZERO, false)?;
    // so that one chapter's authority is not taken for another's, in a list of many
    let mut mark = BigNum::new()?;
    mark.rand(32, MsbOption::ONE, false)?;
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_nid(Nid::ORGANIZATIONNAME, "Steward")?;
    let role = if above.is_some() { "issuer" } else { "authority" };
    name.append_entry_by_nid(Nid::COMMONNAME, &format!("Steward {role} {}", mark.to_hex_str()?))?;
    let name = name.build();

    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |it| it.as_secs());
    let now = i64::try_from(now).unwrap_or_default();
    let mut builder = X509Builder::new()?;
    builder.set_version(2)?;
    builder.set_serial_number(&*serial.to_asn1_integer()?)?;
    builder.set_subject_name(&name)?;
    builder.set_issuer_name(above.map_or(&*name, |(_, above)| above.subject_name()))?;
    // from yesterday: clocks of hosts may be behind
    builder.set_not_before(&*Asn1Time::from_unix(now - DAY)?)?;
    builder.set_not_after(&*Asn1Time::from_unix(now + days * DAY)?)?;
    builder.set_pubkey(key)?;
    let mut may_sign = BasicConstraints::new();
    let may_sign = may_sign.critical().ca();
    builder.append_extension(if above.is_some() { may_sign.pathlen(0) } else { may_sign.pathlen(1) }.build()?)?;
    builder.append_extension(KeyUsage::new().critical().key_cert_sign().crl_sign().build()?)?;
    let above_certificate = above.map(|(_, above)| &**above);
    let own = SubjectKeyIdentifier::new().build(&builder.x509v3_context(above_certificate, None))?;
    builder.append_extension(own)?;
    if above.is_some() {
        let of_above =
            AuthorityKeyIdentifier::new().keyid(true).build(&builder.x509v3_context(above_certificate, None))?;
        builder.append_extension(of_above)?;
    }
    builder.sign(above.map_or(key, |(key, _)| key), MessageDigest::sha256())?;
    Ok(builder.build())
}

fn pem(key: &PKey<Private>, certificates: &[&X509]) -> Result<Secret, ErrorStack> {
    let mut text = Zeroizing::new(key.private_key_to_pem_pkcs8()?);
    for certificate in certificates {
        text.extend(certificate.to_pem()?);
    }
    Ok(Secret::new(std::mem::take(&mut *text)))
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "keys that were made for this test")]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn openssl_accepts_what_an_issuer_of_this_authority_vouches_for_and_of_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        let (ours, other) = (authority().unwrap(), authority().unwrap());
        let issuer = issuer(&ours).unwrap();
        std::fs::write(path("ours.pem"), public_certificate(&ours).unwrap()).unwrap();
        std::fs::write(path("other.pem"), public_certificate(&other).unwrap()).unwrap();
        std::fs::write(path("issuer.pem"), issuer.reveal()).unwrap();
        let openssl = |words: &str| {
            let words = words.split(' ').map(|word| word.strip_prefix('@').map_or(word.to_owned(), path));
            let ran = Command::new("openssl").args(words).output().unwrap();
            (ran.status.success(), format!("{ran:?}"))
        };
        for words in [
            "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout @key.pem -subj /CN=x -out @csr.pem -addext subjectAltName=DNS:wiki.example",
            "x509 -req -in @csr.pem -CA @issuer.pem -CAkey @issuer.pem -copy_extensions copy -days 90 -out @leaf.pem",
            "verify -x509_strict -CAfile @ours.pem @issuer.pem",
            "verify -x509_strict -CAfile @ours.pem -untrusted @issuer.pem -verify_hostname wiki.example @leaf.pem",
        ] {
            let (done, said) = openssl(words);
            assert!(done, "{words}: {said}");
        }
        assert!(!openssl("verify -CAfile @other.pem -untrusted @issuer.pem @leaf.pem").0);
        assert!(
            !openssl("verify -CAfile @ours.pem -untrusted @issuer.pem -verify_hostname other.example @leaf.pem").0
        );
        assert!(public_certificate(&ours).unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
        assert!(!public_certificate(&ours).unwrap().contains("PRIVATE"));
    }

    #[test]
    fn what_is_no_authority_says_why() {
        let (one, other) = (authority().unwrap(), authority().unwrap());
        let text = String::from_utf8(one.reveal().to_vec()).unwrap();
        let (key, _) = text.split_once("-----BEGIN CERTIFICATE").unwrap();
        let mixed = format!("{key}{}", public_certificate(&other).unwrap());
        for (value, why) in
            [("x", "no private key"), (key, "no certificate"), (&mixed, "not that of its private key")]
        {
            let said = issuer(&Secret::new(value)).map(|_| ()).unwrap_err();
            assert!(said.contains(why), "{said}");
        }
    }
}
