//! `tls`: a certificate that others accept, and for how long.

use std::net::IpAddr;

use openssl::asn1::Asn1Time;
use openssl::ssl::{SslConnector, SslMethod};
use openssl::x509::X509;
use serde::Deserialize;

use super::Verdict;
use super::network::connect;

/// A certificate, as whoever connects gets it: valid for its name, from somebody trusted, and not about to end.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The name that is asked for.
    pub name: String,
    #[serde(default = "port")]
    pub port: u16,
    /// It is valid for at least so many days more.
    #[serde(default = "days")]
    pub days: u32,
    /// Certificates of who else may vouch for it: PEM, or a file of it on the machine that checks.
    #[serde(default)]
    pub ca: Option<String>,
}

fn port() -> u16 {
    443
}

/// Certificates are renewed a month before their end; less than two weeks left means that renewal does not work.
fn days() -> u32 {
    14
}

pub(super) fn check(tls: &Tls, address: &str) -> Verdict {
    let connector = match connector(tls) {
        Ok(connector) => connector,
        Err(why) => return Verdict::Unknown(why),
    };
    let stream = match connect(address, tls.port) {
        Ok(stream) => stream,
        Err(why) => return Verdict::Failed(why),
    };
    let connected =
        connector.configure().map(|how| how.use_server_name_indication(tls.name.parse::<IpAddr>().is_err()));
    let stream = match connected.map(|how| how.connect(&tls.name, stream)) {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Verdict::Failed(format!("no secure connection: {error}")),
        Err(error) => return Verdict::Unknown(error.to_string()),
    };
    let Some(certificate) = stream.ssl().peer_certificate() else {
        return Verdict::Failed("it shows no certificate".to_owned());
    };
    let left = Asn1Time::days_from_now(0).and_then(|now| now.diff(certificate.not_after()));
    match left.map(|left| i64::from(left.days)) {
        Ok(left) if left < i64::from(tls.days) => {
            Verdict::Failed(format!("the certificate ends in {left} days, on {}", certificate.not_after()))
        }
        Ok(_) => Verdict::Passed,
        Err(error) => Verdict::Unknown(error.to_string()),
    }
}

fn connector(tls: &Tls) -> Result<SslConnector, String> {
    let mut builder = SslConnector::builder(SslMethod::tls_client()).map_err(|error| error.to_string())?;
    if let Some(ca) = &tls.ca {
        if ca.starts_with(super::curl::PEM) {
            let all = X509::stack_from_pem(ca.as_bytes()).map_err(|error| format!("`ca` is no PEM: {error}"))?;
            for one in all {
                builder.cert_store_mut().add_cert(one).map_err(|error| error.to_string())?;
            }
        } else {
            builder.set_ca_file(ca).map_err(|error| format!("{ca} cannot be read: {error}"))?;
        }
    }
    Ok(builder.build())
}
