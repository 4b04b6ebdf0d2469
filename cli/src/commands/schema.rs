//! `plimsoll schema`.

use crate::{
    args::Schema,
    error::Error,
    exit::{self, ExitStatus},
    report,
};
use plimsoll_policy::{record, schema};

/// The JSON Schema of reports.
const REPORT: &str = include_str!("../../../docs/reference/report-v1.schema.json");

/// Prints a JSON Schema.
pub(crate) fn schema(of: Schema) -> Result<&'static ExitStatus, Error> {
    match of {
        Schema::Policy => report::to_stdout(&report::to_json("the schema", &schema::policy())?)?,
        Schema::Facts => report::to_stdout(record::SCHEMA.as_bytes())?,
        Schema::Report => report::to_stdout(REPORT.as_bytes())?,
    }
    Ok(&exit::PASSED)
}
