//! Runs Castkeep on one machine: the project's own template and binaries on an emulated AWS.
//!
//! This crate owns what AWS and `sam deploy` do elsewhere: it makes the emulator's Python environment, builds and packs the
//! functions, deploys `template.yaml`, stands in for CloudFront with a small edge, and loads two demo tenancies through the
//! public API. It knows nothing about podcasts beyond that demo, and no data of a tenancy: what runs is the product.
//!
//! [`Stack`] is the whole; `main.rs` is its command line, and the end-to-end tests start it too. The emulator's own part, an
//! overlay in Python, is in `infra/local/emulator`.

mod aws;
mod background;
mod demo;
mod deploy;
mod digest;
mod edge;
mod emulator;
mod environment;
mod failure;
mod functions;
mod home;
mod http;
mod lock;
mod ports;
mod progress;
mod python;
mod ready;
mod rerender;
mod stack;
mod template;

pub use self::{
    aws::{ACCOUNT, Aws, REGION},
    demo::Demo,
    deploy::STACK_NAME,
    failure::Failure,
    http::Http,
    progress::Progress,
    python::python_environment,
    ready::Ready,
    stack::{Client, Options, Stack},
    template::Template,
};
