//! DF-083: the image exposes no port below 1024.

use super::{
    About, Raised, Rule, RuleContext, inputs,
    ports::{self, Ports},
};
use crate::decide::Action;
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-083",
    name: "df_083_privileged_port",
    title: "the image exposes no port below 1024",
    severity: Severity::Low,
    action: Action::Inform,
    why: "Where the kernel has not been told otherwise, a server on such a port starts as root or with a capability.",
    mend: "listen on a port from 1024 on, and map the other one to it where the container is run",
    bad: "EXPOSE 80",
    good: "EXPOSE 8080",
    equivalents: &["CIS 5.8"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    // Of a value that is not known here DF-081 speaks.
    let exposed = ports::exposed(context).into_iter();
    exposed
        .filter(|exposed| matches!(exposed.ports, Ports::Range { low: 1..1024, .. }))
        .map(|exposed| {
            let place = inputs::place(exposed.placed.build, exposed.at);
            let found = format!("`EXPOSE {}`", exposed.text);
            context.fail(place, "the image exposes a privileged port", found, "a port from 1024 on")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;

    #[test]
    fn ports_below_1024_are_shown() {
        let bad = ["FROM a\nEXPOSE 80", "FROM a\nEXPOSE 1023/udp", "FROM a\nEXPOSE 1000-2000"];
        check_files("DF-083", Expect::Fail, &bad);
        let case = Case::default().dockerfile("FROM a\nEXPOSE 8080 \\\n  443");
        assert_eq!(case.places("DF-083"), [(3, 3)]);
        assert_eq!(case.findings("DF-083")[0].action, crate::Action::Inform);
    }

    #[test]
    fn ports_from_1024_on_pass() {
        check_files("DF-083", Expect::Pass, &["FROM a\nEXPOSE 1024 8080-8090 $P", "FROM a"]);
    }
}
