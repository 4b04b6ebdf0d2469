//! FS-005: nobody comes in by SSH.
//!
//! Formats: `sshd(8)`, `sshd_config(5)` of OpenSSH.

use super::{About, Raised, Rule, RuleContext, layers};
use crate::{
    decide::Action,
    files::{Text, Topic},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "FS-005",
    name: "fs_005_ssh",
    title: "the image has no keys of an SSH server, and lets nobody in by one",
    severity: Severity::High,
    action: Action::Warn,
    why: "A key of a host that is in an image is the same in all its containers, and everybody who has the image has it. `authorized_keys` is a way in that outlives every password.",
    mend: "leave the SSH server out; where it has to be, make the keys when the container starts, and set `PermitRootLogin no`",
    bad: "RUN apt-get install -y openssh-server   # which makes /etc/ssh/ssh_host_ed25519_key",
    good: "RUN rm -f /etc/ssh/ssh_host_*   # in the same instruction",
    equivalents: &[],
    about: &[About::Files],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(files) = context.facts().files else { return Vec::new() };
    let keys = files.about(Topic::Ssh).map(|entry| {
        let title = format!("{} lets in by SSH whoever it is for", entry.path);
        let found = format!("a file of {} bytes", entry.size);
        context.fail(layers::place_of(files, entry), title, found, "no such file")
    });
    let main = files.text("etc/ssh/sshd_config");
    let settings = main.into_iter().chain(files.texts_in("etc/ssh/sshd_config.d/"));
    let settings = settings.filter_map(|text| {
        let place = || layers::place(files, &text.path, text.layer);
        let expected = "PermitRootLogin no";
        match &text.content {
            Ok(content) => permission(content)
                .map(|found| context.fail(place(), "the SSH server lets root in", found, expected)),
            Err(error) => {
                let title = "it can not be told whom the SSH server lets in";
                Some(context.unknown(place(), title, error.to_string(), expected))
            }
        }
    });
    keys.chain(settings).collect()
}

/// The line that lets root in by a password. The first one of a keyword counts, of each block for those whom it is for, and
/// without one root comes in by key alone.
fn permission(content: &[u8]) -> Option<String> {
    let lines = Text::lines(content);
    let keyword = |line: &str| {
        let word =
            line.split(|at: char| at.is_whitespace() || at == '=').next().unwrap_or_default();
        word.to_ascii_lowercase()
    };
    let mut blocks = lines.chunk_by(|_, next| keyword(next) != "match");
    blocks.find_map(|block| {
        let line = block.iter().find(|line| keyword(line) == "permitrootlogin")?;
        line.to_ascii_lowercase().contains("yes").then(|| line.clone())
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;
    use plimsoll_model::{finding::Place, tree::TreeError};

    fn case() -> Case {
        Case::default().image(&["base", "app"]).files()
    }

    #[test]
    fn keys_and_who_is_let_in_are_found_where_they_are() {
        for path in [
            "etc/ssh/ssh_host_rsa_key",
            "root/.ssh/authorized_keys",
            "home/a/.ssh/authorized_keys2",
        ] {
            let found = case().file(path, 0o600, 1).findings("FS-005");
            let place = Place::File { path: format!("/{path}"), layer: Some(digest("app")) };
            assert_eq!((found.len(), &found[0].finding.place), (1, &place));
        }
        for path in ["etc/ssh/ssh_host_rsa_key.pub", "etc/ssh/ssh_config", "srv/authorized_keys"] {
            case().file(path, 0o600, 1).check("FS-005", Expect::Pass);
        }
    }

    #[test]
    fn a_server_that_lets_root_in_fails() {
        for path in ["etc/ssh/sshd_config", "etc/ssh/sshd_config.d/x.conf"] {
            for text in ["PermitRootLogin yes", "# x\n permitrootlogin=YES\nPermitRootLogin no"] {
                case().text(path, text, 1).check("FS-005", Expect::Fail);
            }
            for text in ["", "#PermitRootLogin yes", "PermitRootLogin no\nPermitRootLogin yes"] {
                case().text(path, text, 1).check("FS-005", Expect::Pass);
            }
            let found = case().text(path, "PermitRootLogin no\nMatch all\n PermitRootLogin yes", 1);
            let found = found.findings("FS-005");
            assert_eq!(found.len(), 1);
            let place = Place::File { path: format!("/{path}"), layer: Some(digest("app")) };
            assert_eq!(found[0].finding.place, place);
            assert_eq!(found[0].finding.found, "PermitRootLogin yes");
            let text = "Match User a\nPermitRootLogin no\nMatch User b\nX yes";
            case().text(path, text, 1).check("FS-005", Expect::Pass);
            case().unreadable(path, TreeError::NotKept).check("FS-005", Expect::Unknown);
        }
    }
}
