//! Looks names up for the connection, and hands it no address that it may not have.

use std::{net::IpAddr, sync::Arc};

use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};

use crate::reach::is_public;

/// What the machine itself asks.
#[derive(Debug, Clone)]
pub(crate) struct System;

impl ResolveDns for System {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move {
            let addresses = tokio::net::lookup_host((name, 0)).await.map_err(ResolveDnsError::new)?;
            Ok(addresses.map(|address| address.ip()).collect())
        })
    }
}

/// A name has an address that may not be reached.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("not on the open internet")]
pub(crate) struct Forbidden;

/// Another resolver, of whose answers only those come through in which every address may be reached: who names a private address
/// beside a public one means the private one.
#[derive(Debug, Clone)]
pub(crate) struct Checked {
    pub(crate) inner: Arc<dyn ResolveDns>,
    /// What may be reached besides the open internet.
    pub(crate) listed: Arc<[IpAddr]>,
    /// Whether the open internet may be.
    pub(crate) is_internet: bool,
}

impl Checked {
    fn may_reach(&self, address: IpAddr) -> bool {
        self.listed.contains(&address) || (self.is_internet && is_public(address))
    }
}

impl ResolveDns for Checked {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move {
            let addresses = self.inner.resolve_dns(name).await?;
            if addresses.iter().any(|address| !self.may_reach(*address)) {
                return Err(ResolveDnsError::new(Forbidden));
            }
            Ok(addresses)
        })
    }
}
