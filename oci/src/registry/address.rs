//! Which addresses are asked, and which of them are trusted with what.

use super::access::Access;
use crate::error::{Attempt, Error};
use plimsoll_model::reference::Repository;
use url::{Host, Url};

/// Login hosts of registries that are known to have one of another name.
const KNOWN_REALMS: [(&str, &str); 2] =
    [("registry-1.docker.io", "auth.docker.io"), ("registry.gitlab.com", "gitlab.com")];

impl Access {
    /// Scheme, host and port of a repository's registry.
    pub(super) fn origin(&self, repository: &Repository) -> Result<Url, Error> {
        let host = match repository.registry() {
            "docker.io" => "registry-1.docker.io",
            other => other,
        };
        let no_address = || Error::NotAnImage { reference: repository.to_string() };
        let https = Url::parse(&format!("https://{host}/")).ok().ok_or_else(no_address)?;
        if self.is_plain(&https) || self.options().plain_http.iter().any(|plain| plain == host) {
            return Url::parse(&format!("http://{host}/")).ok().ok_or_else(no_address);
        }
        Ok(https)
    }

    /// Whether plain http may be spoken with this host.
    fn is_plain(&self, url: &Url) -> bool {
        let authority = authority(url);
        is_this_machine(url) || self.options().plain_http.contains(&authority)
    }

    /// Refuses to go where a registry points when that is less safe than where it was read (C7, C9, C17): from https
    /// to http, with credentials in the address, or to this machine or its link from a registry elsewhere.
    ///
    /// Names are not resolved first: a name that leads to such an address is not seen.
    pub(super) fn check_onward(
        &self,
        from: &Url,
        to: &Url,
        attempt: &Attempt,
    ) -> Result<(), Error> {
        let is_safe_scheme = match to.scheme() {
            "https" => true,
            "http" => from.scheme() == "http" && self.is_plain(to),
            _ => false,
        };
        let has_credentials = !to.username().is_empty() || to.password().is_some();
        let is_inward = is_near(to) && !is_this_machine(from);
        if is_safe_scheme && !has_credentials && !is_inward {
            return Ok(());
        }
        let to = format!("{}://{}", to.scheme(), authority(to));
        Err(Error::Redirect { attempt: attempt.clone(), to })
    }

    /// Refuses a login host that is not known to belong to the registry (C6).
    pub(super) fn check_realm(
        &self,
        origin: &Url,
        realm: &Url,
        attempt: &Attempt,
    ) -> Result<(), Error> {
        self.check_onward(origin, realm, attempt)?;
        let (registry, realm) = (authority(origin), authority(realm));
        let is_known = registry == realm
            || KNOWN_REALMS.contains(&(registry.as_str(), realm.as_str()))
            || self.options().trusted_realms.contains(&realm);
        if is_known { Ok(()) } else { Err(Error::ForeignRealm { registry, realm }) }
    }
}

/// Host, and the port where it is not the scheme's own.
pub(super) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

pub(super) fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// This machine, or what only its own link reaches, as the metadata services of clouds are.
fn is_near(url: &Url) -> bool {
    let is_near_v4 = |address: std::net::Ipv4Addr| {
        address.is_loopback() || address.is_link_local() || address.is_unspecified()
    };
    is_this_machine(url)
        || match url.host() {
            Some(Host::Ipv4(address)) => is_near_v4(address),
            Some(Host::Ipv6(address)) => {
                address.is_unspecified()
                    || address.is_unicast_link_local()
                    || address.to_ipv4_mapped().is_some_and(is_near_v4)
            }
            Some(Host::Domain(_)) | None => false,
        }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::*;
    use crate::testing::access;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn c17_plain_http_is_for_this_machine_and_the_named_hosts() {
        let access = access(|options| {
            options.plain_http = vec!["plain.io:80".to_owned(), "p.io:5000".to_owned()];
        });
        for (repository, expect) in [
            ("nginx", "https://registry-1.docker.io/"),
            ("ghcr.io/a", "https://ghcr.io/"),
            ("127.0.0.1:5000/a", "http://127.0.0.1:5000/"),
            ("localhost:5000/a", "http://localhost:5000/"),
            ("[::1]:5000/a", "http://[::1]:5000/"),
            ("p.io:5000/a", "http://p.io:5000/"),
            ("p.io:5001/a", "https://p.io:5001/"),
            ("xp.io:5000/a", "https://xp.io:5000/"),
            ("127.0.0.1.evil.io/a", "https://127.0.0.1.evil.io/"),
        ] {
            assert_eq!(
                access.origin(&repository.parse().unwrap()).unwrap(),
                url(expect),
                "{repository}"
            );
        }
    }

    #[test]
    fn c7_nobody_is_sent_inwards_or_to_plain_http() {
        let access = access(|_| ());
        let attempt = Attempt { action: "try", on: "it".to_owned() };
        let check = |from: &str, to: &str| access.check_onward(&url(from), &url(to), &attempt);
        assert!(check("https://a.io", "https://cdn.io/x").is_ok());
        assert!(check("http://127.0.0.1:1", "http://127.0.0.1:2/x").is_ok());
        for to in [
            "http://cdn.io/x",
            "http://a.io/x",
            "https://169.254.169.254/latest",
            "https://127.0.0.1/x",
            "https://localhost/x",
            "https://[::1]/x",
            "https://[::ffff:169.254.169.254]/x",
            "https://[fe80::1]/x",
            "https://0.0.0.0/x",
            "https://2852039166/x",
            "https://u:p@cdn.io/x",
            "file:///etc/passwd",
        ] {
            assert!(matches!(check("https://a.io", to), Err(Error::Redirect { .. })), "{to}");
        }
        assert!(matches!(
            check("http://127.0.0.1:1", "http://a.io/x"),
            Err(Error::Redirect { .. })
        ));
    }

    #[test]
    fn c6_realms_of_other_hosts_are_refused_unless_known() {
        let access = access(|options| options.trusted_realms = vec!["gitlab.corp".to_owned()]);
        let attempt = Attempt { action: "try", on: "it".to_owned() };
        let check = |from: &str, to: &str| access.check_realm(&url(from), &url(to), &attempt);
        assert!(check("https://ghcr.io", "https://ghcr.io/token").is_ok());
        assert!(check("https://registry-1.docker.io", "https://auth.docker.io/token").is_ok());
        assert!(check("https://registry.corp", "https://gitlab.corp/jwt/auth").is_ok());
        for realm in [
            "https://auth.docker.io/token",
            "https://ghcr.io.evil.io/token",
            "https://ghcr.io:444/token",
            "https://evil.gitlab.corp/",
        ] {
            assert!(
                matches!(check("https://ghcr.io", realm), Err(Error::ForeignRealm { .. })),
                "{realm}"
            );
        }
        assert!(matches!(
            check("https://ghcr.io", "http://ghcr.io/token"),
            Err(Error::Redirect { .. })
        ));
    }
}
