//! Which services are asked: from a signing configuration, or by address.
//!
//! <https://github.com/sigstore/protobuf-specs/blob/v0.5.0/protos/sigstore_trustroot.proto> (`SigningConfig`, version 0.2)

use crate::Error;
use jiff::Timestamp;
use sigstore_trust_root::{
    SIGSTORE_PRODUCTION_SIGNING_CONFIG, ServiceConfiguration, ServiceEndpoint, ServiceSelector,
    SigningConfig,
};
use url::{Host, Url};

/// Where certificates, log entries and timestamps come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Services {
    pub(super) fulcio: Url,
    pub(super) log: Log,
    /// Each is asked when those before it fail.
    pub(super) authorities: Vec<Url>,
}

/// A transparency log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Log {
    /// Rekor v1: its entries are dated.
    RekorV1(Url),
    /// Rekor v2: its entries are not dated, so it takes a timestamp authority.
    RekorV2(Url),
}

impl Services {
    /// The public-good instance, as it was when this version was built.
    pub fn public_good(now: Timestamp) -> Result<Self, Error> {
        Self::from_signing_config(SIGSTORE_PRODUCTION_SIGNING_CONFIG, now)
    }

    /// Services by address: a private instance, which may have no timestamp authority.
    ///
    /// [`Error::NoService`] where a log that dates nothing has none.
    pub fn new(fulcio: Url, log: Log, authority: Option<Url>) -> Result<Self, Error> {
        let authorities: Vec<_> = authority.into_iter().collect();
        let (Log::RekorV1(entries) | Log::RekorV2(entries)) = &log;
        for url in [&fulcio, entries].into_iter().chain(&authorities) {
            check_transport(url)?;
        }
        if matches!(log, Log::RekorV2(_)) && authorities.is_empty() {
            return Err(Error::NoService { service: TSA });
        }
        Ok(Self { fulcio, log, authorities })
    }

    /// Those of a signing configuration that can be used now.
    ///
    /// Of logs, Rekor v1 is taken where there is one: what clients of before 2026 read.
    pub fn from_signing_config(json: &str, now: Timestamp) -> Result<Self, Error> {
        const WHAT: &str = "the signing configuration";
        let config = SigningConfig::from_json(json)
            .map_err(|source| Error::Unusable { what: WHAT, source: Box::new(source) })?;
        let usable = |endpoints: &[ServiceEndpoint], version: u32| -> Result<Vec<Url>, Error> {
            let usable = endpoints.iter().filter(|endpoint| {
                endpoint.major_api_version == version && endpoint.valid_for.contains(now)
            });
            let url = |endpoint: &ServiceEndpoint| {
                Url::parse(&endpoint.url)
                    .map_err(|source| Error::Unusable { what: WHAT, source: Box::new(source) })
            };
            usable.map(url).collect()
        };
        let first =
            |urls: Vec<Url>, service| urls.into_iter().next().ok_or(Error::NoService { service });
        let fulcio = first(usable(&config.ca_urls, 1)?, "Fulcio")?;
        let logs = usable(&config.rekor_tlog_urls, 1)?;
        let log = if logs.is_empty() {
            let logs = usable(&config.rekor_tlog_urls, 2)?;
            one_is_enough(&config.rekor_tlog_config, logs.len(), "Rekor")?;
            Log::RekorV2(first(logs, "Rekor")?)
        } else {
            one_is_enough(&config.rekor_tlog_config, logs.len(), "Rekor")?;
            Log::RekorV1(first(logs, "Rekor")?)
        };
        let mut authorities = usable(&config.tsa_urls, 1)?.into_iter();
        if authorities.len() > 0 {
            one_is_enough(&config.tsa_config, authorities.len(), TSA)?;
        }
        let services = Self::new(fulcio, log, authorities.next())?;
        let further = authorities.map(|url| check_transport(&url).map(|()| url));
        let further = further.collect::<Result<Vec<_>, _>>()?;
        Ok(Self { authorities: [services.authorities, further].concat(), ..services })
    }
}

/// That nobody on the way sees what is sent, an identity token above all: over TLS, or on this machine.
pub(crate) fn check_transport(url: &Url) -> Result<(), Error> {
    let is_here = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if url.scheme() == "https" || (url.scheme() == "http" && is_here) {
        Ok(())
    } else {
        let (scheme, host) = (url.scheme(), url.host_str().unwrap_or_default());
        Err(Error::OpenTransport { url: format!("{scheme}://{host}") })
    }
}

const TSA: &str = "timestamp authority";

/// That a configuration does not want more services of a kind than the one that is used.
fn one_is_enough(
    wanted: &ServiceConfiguration,
    usable: usize,
    service: &'static str,
) -> Result<(), Error> {
    let is_enough = match wanted.selector {
        ServiceSelector::Any => true,
        ServiceSelector::Exact => wanted.count == Some(1),
        ServiceSelector::All => usable == 1,
        ServiceSelector::Undefined | _ => false,
    };
    if is_enough { Ok(()) } else { Err(Error::SeveralServices { service }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn now() -> Timestamp {
        "2026-11-22T00:00:00Z".parse().unwrap()
    }

    fn endpoint(url: &str, version: u32) -> Value {
        json!({"url": url, "majorApiVersion": version, "validFor": {"start": "2021-01-01T00:00:00Z"}})
    }

    fn read(change: impl FnOnce(&mut Value)) -> Result<Services, Error> {
        let mut config = json!({
            "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            "caUrls": [endpoint("https://fulcio.test", 1)],
            "rekorTlogUrls": [endpoint("https://two.test", 2), endpoint("https://one.test", 1)],
            "tsaUrls": [endpoint("https://tsa.test/a", 1), endpoint("https://tsa.test/b", 1)],
            "rekorTlogConfig": {"selector": "ANY"},
            "tsaConfig": {"selector": "EXACT", "count": 1},
        });
        change(&mut config);
        Services::from_signing_config(&config.to_string(), now())
    }

    #[test]
    fn the_public_good_instance_is_rekor_v1_with_a_timestamp_authority() {
        let services = Services::public_good(now()).unwrap();
        assert_eq!(services.fulcio.as_str(), "https://fulcio.sigstore.dev/");
        assert_eq!(services.log, Log::RekorV1("https://rekor.sigstore.dev".parse().unwrap()));
        assert_eq!(services.authorities.len(), 1);
    }

    #[test]
    fn the_older_log_is_preferred_and_the_newer_taken_where_it_is_alone() {
        let services = read(|_| ()).unwrap();
        assert_eq!(services.log, Log::RekorV1("https://one.test".parse().unwrap()));
        assert_eq!(services.authorities.len(), 2);
        let ended = json!({"start": "2021-01-01T00:00:00Z", "end": "2025-01-01T00:00:00Z"});
        let services = read(|config| config["rekorTlogUrls"][1]["validFor"] = ended).unwrap();
        assert_eq!(services.log, Log::RekorV2("https://two.test".parse().unwrap()));
    }

    #[test]
    fn what_cannot_be_signed_with_is_refused() {
        let none = |service: &str, result| matches!(result, Err(Error::NoService { service: found }) if found == service);
        assert!(none("Fulcio", read(|config| config["caUrls"] = json!([]))));
        assert!(none("Rekor", read(|config| config["rekorTlogUrls"] = json!([]))));
        assert!(none(
            TSA,
            read(|config| {
                config["tsaUrls"] = json!([]);
                config["rekorTlogUrls"][1]["majorApiVersion"] = json!(3);
            })
        ));
        assert!(read(|config| config["tsaUrls"] = json!([])).unwrap().authorities.is_empty());
        for (config, selector) in [
            ("rekorTlogConfig", json!({"selector": "EXACT", "count": 2})),
            ("tsaConfig", json!({"selector": "ALL"})),
            ("tsaConfig", json!({"selector": "SERVICE_SELECTOR_UNDEFINED"})),
        ] {
            let refused = read(|root| root[config] = selector);
            assert!(matches!(refused, Err(Error::SeveralServices { .. })), "{config}");
        }
        assert!(matches!(
            read(|config| config["mediaType"] = json!("other")),
            Err(Error::Unusable { .. })
        ));
        let url = "https://x.test".parse::<Url>().unwrap();
        assert!(none(TSA, Services::new(url.clone(), Log::RekorV2(url.clone()), None)));
        Services::new(url.clone(), Log::RekorV1(url), None).unwrap();
    }

    #[test]
    fn a_token_is_sent_where_nobody_sees_it() {
        for plain in ["http://x.test", "ftp://x.test", "http://127.0.0.1.x.test"] {
            for (list, version) in [("caUrls", 1), ("rekorTlogUrls", 1), ("tsaUrls", 1)] {
                let refused = read(|config| config[list] = json!([endpoint(plain, version)]));
                assert!(matches!(refused, Err(Error::OpenTransport { url }) if url == plain));
            }
        }
        for here in ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost"] {
            read(|config| config["caUrls"] = json!([endpoint(here, 1)])).unwrap();
        }
    }
}
