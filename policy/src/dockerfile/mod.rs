//! Dockerfiles: what they say, and what that means for the image.
//!
//! The parser follows BuildKit's algorithm, not a grammar of its own, because a Dockerfile means what BuildKit makes of
//! it: <https://github.com/moby/buildkit/tree/v0.25.0/frontend/dockerfile/parser>. A mistake in one instruction is kept
//! beside the others and hides none of them.

mod build;
mod expand;
mod instruction;
mod lines;
mod mounts;
mod shell;
mod stages;
mod step;
mod words;

pub use build::{Build, Healthcheck, Input, InputKind, Source, Stage, User};
pub use expand::Expanded;
pub use instruction::{Flag, Form, Heredoc, Instruction};
pub use lines::{Before, Document, Position, Pragma, Problem};
pub use mounts::Mount;
pub use shell::{Command, Foreign, Redirect, Script, Word};
pub use step::{Argument, Step};
