//! IMG-010: the layers are as many, and of the types, that every runtime takes.
//!
//! What else a manifest can be wrong in is refused when it is read, and leaves the image undecided: digests and sizes that are
//! not those of the bytes, documents that are two things at once (CVE-2021-41190), layers that lie elsewhere, manifests of
//! schema 1 (IMG-012), layers that inflate to something else than the configuration says (IMG-013), configurations for
//! another platform than was asked for. There are no rules where nothing is left to be judged.
//!
//! Types: <https://github.com/opencontainers/image-spec/blob/v1.1.0/layer.md>, and those of Docker's schema 2.

use super::{About, Parameter, ParameterKind, Raised, Rule, RuleContext};
use crate::decide::Action;
use plimsoll_model::{Severity, finding::Place};

pub(crate) const RULE: Rule = Rule {
    id: "IMG-010",
    name: "img_010_layers",
    title: "the image has no more layers than runtimes stack, and each of a type that they know",
    severity: Severity::High,
    action: Action::Deny,
    why: "Of a layer with a type of its own one program makes files and another nothing: what was judged is not what runs. More layers than the overlay of Linux takes do not run at all.",
    mend: "build the image again, with fewer instructions that make layers, by a builder that writes OCI images",
    bad: "\"mediaType\": \"application/x-tar\"",
    good: "\"mediaType\": \"application/vnd.oci.image.layer.v1.tar+gzip\"",
    equivalents: &[],
    about: &[About::Image],
    parameters: &[Parameter {
        name: "max-layers",
        kind: ParameterKind::Number { low: 1, high: 512 },
        help: "the most layers (127)",
    }],
    check,
};

/// The most layers that Docker stacks.
const MOST: i64 = 127;
const TYPES: [&str; 6] = [
    "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "application/vnd.docker.image.rootfs.diff.tar.zstd",
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.oci.image.layer.v1.tar+zstd",
];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(image) = context.facts().image else { return Vec::new() };
    let most = context.number("max-layers", MOST);
    let count = image.layers.len();
    let too_many = i64::try_from(count).is_ok_and(|count| count <= most);
    let too_many = (!too_many).then(|| {
        let title = "the image has too many layers";
        context.fail(Place::Image, title, format!("{count} layers"), format!("at most {most}"))
    });
    let unknown = image.layers.iter().filter(|layer| !TYPES.contains(&&*layer.media_type));
    let unknown = unknown.map(|layer| {
        let title = format!("the layer {} has a type of its own", layer.digest.short());
        let found = format!("`{}` of {}", layer.media_type, layer.digest);
        context.fail(Place::Image, title, found, "a type of layer that runtimes know")
    });
    too_many.into_iter().chain(unknown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    #[test]
    fn more_layers_than_are_stacked_fail() {
        let names: Vec<String> = (0..128).map(|number| number.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Case::default().image(&names).check("IMG-010", Expect::Fail);
        let one_less = Case::default().image(&names[1..]);
        one_less.check("IMG-010", Expect::Pass);
        let fewer = one_less.policy("rules: {IMG-010: {max-layers: 126}}");
        fewer.check("IMG-010", Expect::Fail);
        let found = &fewer.findings("IMG-010")[0].finding;
        assert_eq!(found.place, Place::Image);
        assert_eq!((&*found.found, &*found.expected), ("127 layers", "at most 126"));
    }

    #[test]
    fn layers_of_types_that_are_known_pass_and_others_fail() {
        let typed =
            |media_type: &str| Case::default().image(&["a", "b"]).layers_of_type(media_type);
        for known in TYPES {
            typed(known).check("IMG-010", Expect::Pass);
        }
        for other in ["", "application/x-tar", "application/vnd.oci.image.layer.v1.tar+xz"] {
            let found = typed(other).findings("IMG-010");
            assert_eq!(found.len(), 2, "{other}");
            let digest = digest("blob a");
            assert_eq!(found[0].finding.found, format!("`{other}` of {digest}"));
        }
    }
}
