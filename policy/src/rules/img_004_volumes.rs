//! IMG-004: the image declares no volume over directories of the system.

use super::{About, Raised, Rule, RuleContext};
use crate::{decide::Action, host};
use plimsoll_model::{Severity, finding::Place};

pub(crate) const RULE: Rule = Rule {
    id: "IMG-004",
    name: "img_004_volumes",
    title: "the image declares no volume over a directory of the system",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "A volume can be written to where the root is read-only, outlives the container, and hides what later layers put there. Over a directory of the system it keeps programs and settings that no image has.",
    mend: "declare volumes for data alone, such as `/var/lib/app`",
    bad: "VOLUME /usr/bin",
    good: "VOLUME /var/lib/app",
    equivalents: &["DKL-DI-0002"],
    about: &[About::Image],
    parameters: &[],
    check,
};

/// Over these themselves nothing is to lie either.
const ALONE: [&str; 3] = ["/", "/run", "/var/run"];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(image) = context.facts().image else { return Vec::new() };
    let sensitive = image.config.volumes.iter().filter(|volume| is_sensitive(volume));
    let raised = sensitive.map(|volume| {
        let place = Place::Config { field: format!("config.Volumes.{volume}") };
        let title = "a volume lies over a directory of the system";
        context.fail(place, title, volume, "volumes for data alone")
    });
    raised.collect()
}

fn is_sensitive(volume: &str) -> bool {
    let path = host::normal(volume);
    let is_local = path == "/usr/local" || path.starts_with("/usr/local/share/");
    let is_socket = path.rsplit('/').next().is_some_and(host::is_socket_name);
    ALONE.contains(&&*path) || is_socket || host::listed(&path).is_some() && !is_local
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn case(volume: &str) -> Case {
        let volumes = vec![volume.to_owned()];
        Case::default().image_with(&["a"], |config| config.volumes = volumes)
    }

    #[test]
    fn volumes_over_the_system_fail_however_they_are_spelled() {
        for volume in [
            "/",
            "/etc",
            "/usr/bin/",
            "//etc/./ssh",
            "/var",
            "/data/../etc",
            "/run/docker.sock",
            "..",
        ] {
            let case = case(volume);
            case.check("IMG-004", Expect::Fail);
            let field = format!("config.Volumes.{volume}");
            assert_eq!(case.findings("IMG-004")[0].finding.place, Place::Config { field });
        }
    }

    #[test]
    fn volumes_for_data_pass() {
        for volume in
            ["/data", "/var/lib/app", "/etcetera", "/home/app", "/usr/local/share/x", "/opt/x"]
        {
            case(volume).check("IMG-004", Expect::Pass);
        }
        Case::default().image(&["a"]).check("IMG-004", Expect::Pass);
    }
}
