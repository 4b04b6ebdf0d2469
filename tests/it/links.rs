//! Links of in-toto: what Plimsoll signs, `in-toto-verify` takes, and what was touched it does not.

use crate::support::{Outcome, Sandbox, oracle, oracle_script, run, sandbox};
use camino::Utf8Path;
use serde_json::Value;
use std::fs;

/// A project that is built in two steps, the key of who does them, and the layout that says how.
struct Project {
    sandbox: Sandbox,
    verify: camino::Utf8PathBuf,
}

impl Project {
    #[track_caller]
    fn new() -> Option<Self> {
        let (sandbox, openssl, verify) = (sandbox(), oracle("openssl")?, oracle("in-toto-verify")?);
        let openssl = |arguments: &[&str]| {
            run(sandbox.command(&openssl).args(arguments)).expect_status(0);
        };
        for name in ["key", "other"] {
            openssl(&["genpkey", "-algorithm", "ED25519", "-out", &format!("{name}.pem")]);
        }
        openssl(&["pkey", "-in", "key.pem", "-pubout", "-out", "key.pub"]);
        let mut layout = oracle_script(&sandbox, "in_toto_layout.py")?;
        run(layout.arg(sandbox.path()).arg(sandbox.join("key.pub"))).expect_status(0);
        sandbox.write("main.c", "int main;\n");
        sandbox.write("out/app", "app");
        Some(Self { sandbox, verify })
    }

    fn try_link(&self, key: &str, arguments: &[&str]) -> Outcome {
        run(self.sandbox.plimsoll().args(["link", "--key", key]).args(arguments))
    }

    /// Links both steps with a key.
    #[track_caller]
    fn link(&self, key: &str) -> [String; 2] {
        let fetch = ["--step", "fetch", "--products", "main.c"];
        let build =
            ["--step", "build", "--materials", "./main.c", "--products", "out/app", "main.c"];
        [&fetch[..], &build].map(|step| {
            let path = self.try_link(key, step).expect_status(0).stdout.trim_end().to_owned();
            path.strip_prefix("./").unwrap().to_owned()
        })
    }

    /// What `in-toto-verify` says.
    fn verify(&self) -> Outcome {
        let mut verify = self.sandbox.command(&self.verify);
        run(verify.args(["--layout", "root.layout", "--verification-keys", "owner.pub"]))
    }

    /// Changes the link of a step.
    fn change(&self, link: impl AsRef<Utf8Path>, change: impl FnOnce(&mut Value)) {
        let path = self.sandbox.join(link);
        let mut value: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        change(&mut value);
        fs::write(path, value.to_string()).unwrap();
    }
}

/// A supply chain verifies, and its twin does not, for this reason.
#[track_caller]
fn check_twin(word: &str, change: impl FnOnce(&Project, &[String; 2])) {
    let Some(project) = Project::new() else { return };
    let links = project.link("key.pem");
    project.verify().expect_status(0);
    change(&project, &links);
    let refused = project.verify().expect_status(1);
    assert!(refused.stderr.contains(word), "{}", refused.stderr);
}

#[test]
fn in_toto_takes_our_links_and_no_changed_one() {
    check_twin("ThresholdVerificationError", |project, [_, build]| {
        project.change(build, |link| {
            link["signed"]["products"]["out/app"]["sha256"] = "00".repeat(32).into();
        });
    });
}

#[test]
fn in_toto_takes_no_link_of_another_functionary() {
    check_twin("LinkNotFoundError", |project, links| {
        for link in links {
            fs::remove_file(project.sandbox.join(link)).unwrap();
        }
        project.link("other.pem");
    });
}

#[test]
fn in_toto_takes_no_build_from_something_that_was_not_fetched() {
    check_twin("RuleVerificationError", |project, _| {
        project.sandbox.write("main.c", "int trojan;\n");
        let build = ["--step", "build", "--materials", "main.c", "--products", "out/app"];
        project.try_link("key.pem", &build).expect_status(0);
    });
}

#[test]
fn a_link_that_could_not_be_verified_is_not_written() {
    let Some(project) = Project::new() else { return };
    let refuse = |key: &str, arguments: &[&str], word: &str| {
        let refused = project.try_link(key, arguments).expect_status(2);
        assert!(refused.stderr.contains(word), "{}", refused.stderr);
    };
    let product = ["--products", "main.c"];
    refuse("key.pem", &["--step", "fetch"], "a link about no file says nothing");
    refuse("key.pem", &[&["--step", "../fetch"], &product[..]].concat(), "cannot link `../fetch`");
    refuse("key.pem", &["--step", "fetch", "--products", "absent"], "cannot read `absent`");
    let openssl = oracle("openssl").unwrap();
    let curve = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "ec.pem"];
    run(project.sandbox.command(openssl).arg("genpkey").args(curve)).expect_status(0);
    let fetch = [&["--step", "fetch"], &product[..]].concat();
    refuse("ec.pem", &fetch, "cannot sign a link with a key for ecdsa-p256-sha256");
    let names = fs::read_dir(project.sandbox.path()).unwrap();
    let mut names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(names.all(|name| !name.contains(".link")));
}
