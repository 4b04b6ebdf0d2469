//! Advisories: the index, the version orders, and the matcher that never fails open.
//!
//! Nothing here takes silence for safety: an ecosystem or release without data, a version that can not be ordered, an
//! advisory that can not be read, a damaged index each end as *not evaluated* with the reason, never as *clean*.
//! Only [`feeds`] knows a network; nothing knows a clock or an environment.
//!
//! Records are read in the OSV format: <https://ossf.github.io/osv-schema/>.

pub mod advice;
mod aliases;
mod builder;
mod csv;
mod difference;
mod ecosystem;
mod error;
mod explain;
mod extra;
pub mod feeds;
mod index;
mod install;
mod osv;
pub mod pack;
mod ranges;
mod scan;
mod severity;
mod source;
#[cfg(test)]
mod testing;
pub mod versions;
mod wire;

pub use advice::advise;
pub use builder::{Builder, Imported};
pub use difference::{Crossed, difference};
pub use ecosystem::ecosystems;
pub use error::Error;
pub use explain::{ExplainedRecord, Explanation, Place, RecordOutcome, explain};
pub use extra::{Exploited, Lifetime, Prediction, Ransomware};
pub use index::{Index, Unreadable};
pub use install::install;
pub use scan::scan;
pub use source::UnreadableRecord;
