//! SEC-003: no file of the image is a credential, and none is copied into it.

use super::{About, Raised, Rule, RuleContext, copied_credentials, secret_files as files};
use crate::{
    decide::Action,
    secrets::{Named, Seen, State},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "SEC-003",
    name: "sec_003_credential_file",
    title: "no file of the image is a credential: a private key, a configuration with a token, a keystore",
    severity: Severity::Critical,
    action: Action::Deny,
    why: "Such files are made for one person or one machine. In an image they belong to everybody who can pull it, and a host key of SSH is then the same in every container.",
    mend: "revoke the credential, keep its file out of the build by .dockerignore, and mount it with `RUN --mount=type=secret` or when the container starts",
    bad: "COPY .npmrc /root/.npmrc",
    good: "RUN --mount=type=secret,id=npmrc,target=/root/.npmrc npm ci",
    equivalents: &["CDI-0010"],
    about: &[About::Dockerfiles, About::Image],
    parameters: &[],
    check,
};

const EXPECTED: &str = "no credentials in the image";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let credentials = files::of(context, State::Remains).filter_map(|file| {
        let Seen::Content { credential: Some(credential), .. } = &file.seen else { return None };
        let title = "a file of the image is a credential";
        let raised = context.fail(files::place(file), title, credential.title, EXPECTED);
        Some((raised.at_most(files::of_credential(credential, file)), files::is_packaged(file)))
    });
    let mut raised = files::each(context, credentials);
    raised.extend(files::unseen(context, State::Remains, &[Named::Credential], EXPECTED));
    raised.extend(copied_credentials::check(context));
    raised
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        rules::testing::*,
        secrets::{LARGEST, tests::made},
    };
    use plimsoll_model::{TreePath, finding::Place};

    fn file(path: &str, text: &str) -> Case {
        Case::default().secret_file(path, State::Remains, text.as_bytes())
    }

    fn key() -> String {
        made(
            "-----BEGIN OPENSSH PRIVATE KEY-----\n{A70}\n{A70}\n-----END OPENSSH PRIVATE KEY-----\n",
        )
    }

    #[test]
    fn a_credential_fails_and_says_what_it_is() {
        let case = file("root/.ssh/id_ed25519", &key());
        case.check("SEC-003", Expect::Fail);
        let judged = &case.findings("SEC-003")[0];
        assert_eq!((judged.action, judged.finding.found.as_str()), (Action::Deny, "a private key"));
        let place =
            Place::File { path: "/root/.ssh/id_ed25519".to_owned(), layer: Some(digest("a")) };
        assert_eq!(judged.finding.place, place);
        // It is told once.
        case.check("SEC-002", Expect::Pass);
        let host = file("etc/ssh/ssh_host_rsa_key", &key());
        let found = "a private host key of SSH, the same in every container";
        assert_eq!(host.findings("SEC-003")[0].finding.found, found);
    }

    #[test]
    fn what_is_less_sure_warns_and_what_packages_bring_informs() {
        assert_eq!(file("app/.env", "PORT=80\n").findings("SEC-003")[0].action, Action::Warn);
        let test = file("srv/py/twisted/test/server.pem", &key());
        assert_eq!(test.findings("SEC-003")[0].action, Action::Warn);
        let test = file("usr/local/lib/python3.13/test/certdata/keycert.pem", &key());
        assert_eq!(test.findings("SEC-003")[0].action, Action::Inform);
    }

    #[test]
    fn files_that_are_only_called_so_pass() {
        for (path, text) in [
            ("root/.npmrc", "registry=https://r.corp/\n"),
            ("etc/ssl/certs/ca-certificates.crt", "-----BEGIN CERTIFICATE-----\nMIID\n"),
            ("app/public.key", "-----BEGIN PUBLIC KEY-----\nMIIB\n"),
        ] {
            file(path, text).check("SEC-003", Expect::Pass);
        }
    }

    #[test]
    fn one_that_was_not_looked_at_can_not_be_told() {
        let large = "a".repeat(usize::try_from(LARGEST).unwrap() + 1);
        let case = file("root/.ssh/id_rsa", &large);
        case.check("SEC-003", Expect::Unknown);
        assert_eq!(case.findings("SEC-003")[0].action, Action::Deny);
        let path = TreePath::parse(b"a").unwrap();
        let damaged = Case::default().seen(path, State::Remains, Seen::Unreadable);
        damaged.check("SEC-003", Expect::Unknown);
    }
}
