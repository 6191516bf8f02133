//! Three ports in a row on 127.0.0.1: the tenancy API, the listener API, the emulator.

use std::{
    io,
    net::{Ipv4Addr, TcpListener},
};

use crate::Failure;

const ATTEMPTS: usize = 100;

/// Held from here on, so that a taken port is known before anything is built.
#[derive(Debug)]
pub(crate) struct Ports {
    pub(crate) first: u16,
    pub(crate) api: TcpListener,
    pub(crate) listener: TcpListener,
    pub(crate) emulator: TcpListener,
}

impl Ports {
    /// Takes the three ports that begin with `first`.
    pub(crate) fn take(first: u16) -> Result<Self, Failure> {
        let bind = |offset| {
            let port = first.saturating_add(offset);
            bind(port).map_err(|error| refused(port, &error))
        };
        Ok(Self { first, api: bind(0)?, listener: bind(1)?, emulator: bind(2)? })
    }

    /// Takes any three.
    pub(crate) fn find() -> Result<Self, Failure> {
        let free = || bind(0).and_then(|listener| listener.local_addr()).map(|address| address.port());
        (0..ATTEMPTS)
            .find_map(|_| {
                free().ok().filter(|first| *first < u16::MAX - 2).and_then(|first| Self::take(first).ok())
            })
            .ok_or_else(|| Failure::new("No three free ports in a row were found.", REMEDY))
    }
}

const REMEDY: &str = "Stop what listens there, or choose three other ports in a row with --port.";

fn bind(port: u16) -> io::Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn refused(port: u16, error: &io::Error) -> Failure {
    let happened = match error.kind() {
        io::ErrorKind::AddrInUse => format!("Port {port} is taken."),
        _ => format!("Port {port} cannot be listened on: {error}."),
    };
    Failure::new(happened, REMEDY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named_with_the_way_out() {
        let taken = Ports::find().unwrap();

        let failure = Ports::take(taken.first).unwrap_err().to_string();

        assert!(failure.starts_with(&format!("Port {} is taken.", taken.first)), "{failure}");
        assert!(failure.contains("--port"), "{failure}");
    }

    #[test]
    fn a_port_that_may_not_be_used_is_not_called_taken() {
        let failure = refused(80, &io::ErrorKind::PermissionDenied.into()).to_string();

        assert!(failure.starts_with("Port 80 cannot be listened on: permission denied."), "{failure}");
        assert!(failure.contains("--port"), "{failure}");
    }
}
