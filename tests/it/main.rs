//! Plimsoll as others meet it: the binary in a clean environment, and the repository itself.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test stops at the first surprise, reads files it made, and starts the programs it judges"
)]

mod action;
mod advisories;
mod attacks;
mod bad_input;
mod bases;
mod batch;
mod components;
mod conformance;
mod custom;
mod differences;
mod evidence;
mod example;
mod facts;
mod files;
mod flagged;
mod formats;
mod github_job;
mod guide;
mod keyless;
mod kubernetes;
mod links;
mod offline;
mod oracles;
mod outages;
mod peers;
mod pipeline;
mod policy;
mod policy_cases;
mod policy_of_base;
mod promotion;
mod receipts;
mod reference;
mod registry;
mod sboms;
mod secrets;
mod signers;
mod subjects;
mod support;
mod threats;
mod tidy;
mod trust;
mod vex;
