//! Dockerfiles, as policy reads them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plimsoll_policy::{Dockerfile, Facts, dockerfile::Build};
use std::collections::BTreeMap;

fuzz_target!(|text: &str| {
    let files = [Dockerfile { path: "Dockerfile".into(), text: text.to_owned() }];
    let build_args = BTreeMap::from([("A".to_owned(), "a:1".to_owned())]);
    let facts = Facts { dockerfiles: &files, build_args: &build_args, ..Facts::none() };
    let build = Build::of(&files[0], &facts);
    build.inputs().count();
    for stage in &build.stages {
        build.user(stage);
        build.healthcheck(stage);
    }
    assert!(!build.stages.is_empty() || !build.problems.is_empty(), "nothing is no Dockerfile");
});
