//! What is on the open internet.

use std::{
    fmt::Write,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use url::{Host, Url};

use crate::FetchError;

/// What may be reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Reach {
    /// The open internet, at the ports that web servers have. It is what runs on AWS.
    #[default]
    Internet,
    /// These addresses at these ports besides, for tests and for Castkeep on one machine, where other hosts are played on the
    /// loopback address. Never on AWS: whoever names a URL would reach them too.
    Listed(Vec<SocketAddr>),
}

/// The text is not a list of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("addresses have ports and commas between them, such as 127.0.0.1:8080,[::1]:8080")]
pub struct InvalidReach;

impl FromStr for Reach {
    type Err = InvalidReach;

    /// The addresses besides the open internet, with commas between them. Nothing is the open internet alone.
    fn from_str(text: &str) -> Result<Self, InvalidReach> {
        if text.trim().is_empty() {
            return Ok(Self::Internet);
        }
        let addresses: Result<_, _> = text.split(',').map(|address| address.trim().parse()).collect();
        addresses.map(Self::Listed).map_err(|_| InvalidReach)
    }
}

impl Reach {
    pub(crate) fn listed(&self) -> &[SocketAddr] {
        match self {
            Self::Internet => &[],
            Self::Listed(addresses) => addresses,
        }
    }

    /// Whether a URL may be asked, as far as it says itself: the address of a name is checked when it is looked up. The `url` crate
    /// has made an address of every way to spell one, `0x7f.1` and `2130706433` among them.
    pub(crate) fn check(&self, url: &Url) -> Result<(), FetchError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(FetchError::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(FetchError::Credentials);
        }
        let port = url.port_or_known_default().unwrap_or(0);
        let address = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            // What the connection would take for an address must not pass for a name.
            Some(Host::Domain(name)) => name.parse().ok(),
            None => return Err(not_public(url)),
        };
        if address.is_some_and(|address| self.listed().contains(&SocketAddr::new(address, port))) {
            return Ok(());
        }
        if address.is_some_and(|address| !is_public(address)) {
            return Err(not_public(url));
        }
        let is_of_the_web = matches!(port, 80 | 443);
        let is_listed = address.is_none() && self.lists_port(port);
        if is_of_the_web || is_listed { Ok(()) } else { Err(FetchError::Port(port)) }
    }

    fn lists_port(&self, port: u16) -> bool {
        self.listed().iter().any(|listed| listed.port() == port)
    }
}

pub(crate) fn not_public(url: &Url) -> FetchError {
    let mut host = url.host_str().unwrap_or("the URL").to_owned();
    if let Some(port) = url.port() {
        // Writing to a string never fails.
        write!(host, ":{port}").unwrap_or_default();
    }
    FetchError::NotPublic(host)
}

/// Whether an address belongs to one host on the open internet, by the registries of special-purpose addresses of IANA (RFC 6890)
/// and of multicast. What carries an IPv4 address inside an IPv6 one is never public: it has a shorter way.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !NOT_PUBLIC_V4
            .iter()
            .any(|(network, bits)| same_network(address.into(), u32::from(*network), *bits)),
        IpAddr::V6(address) => {
            let is_in = |(network, bits): &(Ipv6Addr, u32)| {
                let distance = u128::from(address) ^ u128::from(*network);
                distance.leading_zeros() >= *bits
            };
            is_in(&GLOBAL_UNICAST) && !NOT_PUBLIC_V6.iter().any(is_in)
        }
    }
}

fn same_network(address: u32, network: u32, bits: u32) -> bool {
    (address ^ network).leading_zeros() >= bits
}

const NOT_PUBLIC_V4: [(Ipv4Addr, u32); 15] = [
    // "This network", the unspecified address among it.
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    // Private.
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    // Behind a provider's translation of addresses.
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    // Loopback.
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Link-local, the metadata of clouds among it.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    // Private.
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    // Protocol assignments.
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    // Documentation.
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    // Relays of 6to4.
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    // Private.
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    // Benchmarks.
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    // Documentation.
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Multicast.
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    // Reserved, the broadcast address among it.
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// All that is public is in here: loopback, private (`fc00::/7`), link-local and multicast addresses are not, nor those that carry an
/// IPv4 address for a translator (`::/96`, `::ffff:0:0/96`, `64:ff9b::/96`).
const GLOBAL_UNICAST: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

const NOT_PUBLIC_V6: [(Ipv6Addr, u32); 4] = [
    // Protocol assignments, Teredo and benchmarks among them.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    // Documentation.
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    // 6to4.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    // Documentation.
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_open_internet_is_public() {
        let not_public = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.0.1",
            "169.254.169.254",
            "169.254.170.2",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "192.168.255.255",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::8.8.8.8",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:8.8.8.8",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b::808:808",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:0:7f00:1::",
            "2001:2::1",
            "2001:10::1",
            "2001:1ff::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
            "2002:808:808::1",
            "3fff::1",
            "3fff:fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fdff::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "ff0e::1",
            "4000::1",
            "1fff::1",
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        ];
        for address in not_public {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }

        let public = [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.0.3.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "198.51.99.255",
            "203.0.114.0",
            "223.255.255.255",
            "2000::1",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2003::1",
            "2600:1f00::1",
            "2a00::1",
            "3ffe::1",
            "3fff:1000::1",
        ];
        for address in public {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    fn check(reach: &Reach, url: &str) -> Result<(), String> {
        reach.check(&url.parse().unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn no_spelling_of_an_address_gets_through() {
        for host in [
            "127.0.0.1",
            "127.1",
            "127.0.1",
            "0x7f.1",
            "0x7F000001",
            "2130706433",
            "017700000001",
            "0177.0.0.1",
            "127.0.0.1.",
            "%31%32%37.0.0.1",
            "１２７.０.０.１",
            "127。0。0。1",
            "0",
            "[::1]",
            "[0:0:0:0:0:0:0:1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[::127.0.0.1]",
            "[64:ff9b::127.0.0.1]",
            "[fd00:ec2::254]",
            "169.254.169.254",
            "0xa9fea9fe",
            "2852039166",
            "169.254.43518",
        ] {
            for scheme in ["http", "https"] {
                let error = check(&Reach::Internet, &format!("{scheme}://{host}/")).unwrap_err();
                assert!(error.ends_with(" is not on the open internet"), "{host}: {error}");
            }
        }
    }

    #[test]
    fn only_plain_urls_of_web_servers_are_asked() {
        let internet = Reach::Internet;
        for url in [
            "http://example.org/",
            "https://example.org:443/a?b",
            "http://example.org:443/",
            "https://1.1.1.1/",
            "https://[2606:4700:4700::1111]/",
            "HTTPS://EXAMPLE.org:080/",
        ] {
            assert_eq!(check(&internet, url), Ok(()), "{url}");
        }
        for (url, reason) in [
            ("ftp://example.org/", "only http and https URLs are fetched, not ftp"),
            ("file:///etc/passwd", "only http and https URLs are fetched, not file"),
            ("data:text/plain,x", "only http and https URLs are fetched, not data"),
            ("gopher://127.0.0.1:6379/x", "only http and https URLs are fetched, not gopher"),
            ("https://user@example.org/", "URLs with a user or a password are not fetched"),
            ("https://:secret@example.org/", "URLs with a user or a password are not fetched"),
            ("https://example.org:22/", "only ports 80 and 443 are fetched from, not 22"),
            ("http://example.org:8080/", "only ports 80 and 443 are fetched from, not 8080"),
            ("http://1.1.1.1:6379/", "only ports 80 and 443 are fetched from, not 6379"),
        ] {
            assert_eq!(check(&internet, url), Err(reason.to_owned()), "{url}");
        }
    }

    #[test]
    fn what_is_listed_is_reached_at_its_port_alone() {
        let reach: Reach = "127.0.0.1:8080, [::1]:9090".parse().unwrap();
        for url in
            ["http://127.0.0.1:8080/", "http://0x7f.1:8080/", "http://[::1]:9090/", "https://example.org/"]
        {
            assert_eq!(check(&reach, url), Ok(()), "{url}");
        }
        for url in [
            "http://127.0.0.1/",
            "http://127.0.0.1:9090/",
            "http://127.0.0.2:8080/",
            "http://[::1]:8080/",
            "http://10.0.0.1:8080/",
            "http://1.1.1.1:8080/",
        ] {
            assert!(check(&reach, url).is_err(), "{url}");
        }
    }

    #[test]
    fn nothing_listed_is_the_internet() {
        assert_eq!("".parse(), Ok(Reach::Internet));
        assert_eq!(" ".parse(), Ok(Reach::Internet));
        for bad in ["127.0.0.1", "localhost:80", ",", "127.0.0.1:80,"] {
            assert_eq!(bad.parse::<Reach>(), Err(InvalidReach), "{bad:?}");
        }
    }
}
