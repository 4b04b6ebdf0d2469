//! Images of the services in a compose file: <https://github.com/compose-spec/compose-spec/blob/main/05-services.md>.

use super::{Found, ImageUse, documents};
use crate::{Error, compose::expand, yaml::Node};
use camino::Utf8Path;
use std::collections::BTreeMap;

/// Every image that a compose file names: of services, whatever their profile, of volumes, and of models.
///
/// Variables are not looked up, so that one file always means the same images: one with a default is that default, and one
/// without is not told. What `docker compose config` prints has none left.
///
/// [`Error::Manifest`] where the file can not be read.
pub fn compose(text: &str, path: &Utf8Path) -> Result<Vec<ImageUse>, Error> {
    let mut found = Found::new(path);
    for document in &documents(text, path)? {
        let names = ["services", "include"].map(|key| document.get(key));
        if names.iter().flatten().next().is_none() {
            found.untold(document.at, "the file".to_owned(), "it has no services")?;
        }
        if let Some(include) = document.get("include") {
            found.untold(
                include.at,
                "`include`".to_owned(),
                "other files are included: give what `docker compose config` prints",
            )?;
        }
        let services = document.get("services");
        for service in services.map(Node::entries).unwrap_or_default() {
            let by = format!("service {}", service.key);
            of_service(&mut found, services, &service.value, &by)?;
        }
        for model in document.get("models").map(Node::entries).unwrap_or_default() {
            let by = format!("model {}", model.key);
            match model.value.get("model") {
                Some(name) => named(&mut found, name, by)?,
                None => found.untold(model.at, by, "it names no model")?,
            }
        }
    }
    Ok(found.uses)
}

fn of_service(
    found: &mut Found<'_>,
    services: Option<&Node>,
    service: &Node,
    by: &str,
) -> Result<(), Error> {
    match (service.get("image"), service.get("extends")) {
        (Some(image), _) => named(found, image, by.to_owned())?,
        (None, Some(extends)) => match extended(services, extends) {
            Some(image) => named(found, image, by.to_owned())?,
            None => found.untold(
                extends.at,
                by.to_owned(),
                "its image is that of a service elsewhere: give what `docker compose config` prints",
            )?,
        },
        (None, None) => {
            let why = if service.get("build").is_some() {
                "it is built here and names no image: build it, push it, and name it"
            } else {
                "it names no image"
            };
            found.untold(service.at, by.to_owned(), why)?;
        }
    }
    for volume in service.get("volumes").map(Node::items).unwrap_or_default() {
        if volume.text_of("type") == Some("image") {
            let by = format!("{by}, volume");
            match volume.get("source") {
                Some(source) => named(found, source, by)?,
                None => found.untold(volume.at, by, "it names no image")?,
            }
        }
    }
    Ok(())
}

/// The image of the service of the same file that another one extends, through as many as there are.
fn extended<'a>(services: Option<&'a Node>, extends: &'a Node) -> Option<&'a Node> {
    let services = services?;
    let mut extends = extends;
    // Whoever extends in a circle never arrives.
    for _ in services.entries() {
        if extends.get("file").is_some() {
            return None;
        }
        let name = extends.text().or_else(|| extends.text_of("service"))?;
        let service = services.get(name)?;
        if let Some(image) = service.get("image") {
            return Some(image);
        }
        extends = service.get("extends")?;
    }
    None
}

fn named(found: &mut Found<'_>, node: &Node, by: String) -> Result<(), Error> {
    let Some(text) = node.text() else {
        let why = format!("expected the name of an image, found {}", node.value.describe());
        return found.untold(node.at, by, why);
    };
    // Every variable counts as unset.
    let expanded = expand(text, &BTreeMap::new());
    match expanded.unresolved {
        None => found.name(node.at, by, &expanded.value),
        Some(variable) => {
            found.untold(node.at, by, format!("`{text}` depends on `{variable}`, which is not set"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifests::UsedImage;

    /// Each use as `line:column by: image`, or the reason after a `?`.
    fn uses(text: &str) -> Vec<String> {
        compose(text, "compose.yaml".into()).unwrap().iter().map(line).collect()
    }

    fn line(found: &ImageUse) -> String {
        let ImageUse { line, column, by, image } = found;
        match image {
            UsedImage::Named(name) => format!("{line}:{column} {by}: {name}"),
            UsedImage::Untold(why) => format!("{line}:{column} {by}? {why}"),
        }
    }

    #[test]
    fn every_service_names_its_image() {
        let text = "\
x-app: &app
  image: acme.io/app:1
services:
  web: {<<: *app, profiles: [debug]}
  cache:
    image: redis
    volumes: [{type: image, source: acme.io/data:2, target: /data}, ./a:/a]
models: {llm: {model: ai/smollm2}}
";
        assert_eq!(
            uses(text),
            [
                "4:13 service web: acme.io/app:1",
                "6:12 service cache: docker.io/library/redis",
                "7:37 service cache, volume: acme.io/data:2",
                "8:23 model llm: docker.io/ai/smollm2",
            ]
        );
    }

    #[test]
    fn variables_are_their_defaults_or_not_told() {
        for (image, expect) in [
            ("a/b:${TAG:-1}", "docker.io/a/b:1"),
            ("a/b:${TAG-1}", "docker.io/a/b:1"),
            ("${R:-${S:-r.io}}/b:1", "r.io/b:1"),
        ] {
            let text = format!("services: {{s: {{image: '{image}'}}}}");
            assert_eq!(uses(&text), [format!("1:23 service s: {expect}")]);
        }
        for (image, variable) in [
            ("a/b:${TAG}", "${TAG}"),
            ("a/b:$TAG", "$TAG"),
            ("a/b:${TAG:?needed}", "${TAG}"),
            ("a/b:${TAG:+1}", "${TAG}"),
            ("a/b:${TAG:-$OTHER}", "$OTHER"),
            ("a/b:${:-1}", "${}"),
            ("a/b:${TAG", "an expression without end"),
        ] {
            let text = format!("services: {{s: {{image: '{image}'}}}}");
            let why = format!("`{image}` depends on `{variable}`, which is not set");
            assert_eq!(uses(&text), [format!("1:23 service s? {why}")]);
        }
    }

    #[test]
    fn a_service_without_a_name_for_its_image_is_not_passed_over() {
        let elsewhere =
            "its image is that of a service elsewhere: give what `docker compose config` prints";
        for (services, expect) in [
            (
                "{s: {build: .}}",
                "1:15 service s? it is built here and names no image: build it, push it, and name it",
            ),
            ("{s: {}}", "1:15 service s? it names no image"),
            ("{s: {image: }}", "1:15 service s? it names no image"),
            (
                "{s: {image: 5}}",
                "1:23 service s? expected the name of an image, found the number `5`",
            ),
            ("{s: {extends: {file: b.yaml, service: x}}}", &format!("1:25 service s? {elsewhere}")),
            ("{s: {extends: s}}", &format!("1:25 service s? {elsewhere}")),
        ] {
            assert_eq!(uses(&format!("services: {services}")), [expect]);
        }
        let extended =
            uses("services: {a: {image: x:1}, b: {extends: a}, c: {extends: {service: b}}}");
        assert_eq!(
            extended,
            ["a", "b", "c"].map(|name| format!("1:23 service {name}: docker.io/library/x:1"))
        );
        assert_eq!(
            uses("x: &x {image: a, build: .}\nservices: {s: {<<: *x, image: b}}"),
            ["2:31 service s: docker.io/library/b"]
        );
        assert_eq!(
            uses("include: [other.yaml]\n"),
            ["1:10 `include`? other files are included: give what `docker compose config` prints"]
        );
        assert_eq!(uses("[]"), ["1:1 the file? it has no services"]);
        assert_eq!(uses("service: {}"), ["1:1 the file? it has no services"]);
    }

    #[test]
    fn a_name_never_stands_for_a_file_of_this_machine() {
        let [found] = uses("services: {s: {image: 'oci-layout:/evidence'}}").try_into().unwrap();
        assert!(
            found.starts_with("1:23 service s? `oci-layout:/evidence` names no image: "),
            "{found}"
        );
        assert_eq!(
            uses("services: {s: {image: 'dir:5'}}"),
            ["1:23 service s: docker.io/library/dir:5"]
        );
    }

    #[test]
    fn what_is_broken_or_boundless_is_rejected() {
        for text in ["services: [", "services: {a: {}, a: {}}", "services: *x"] {
            let error = compose(text, "compose.yaml".into()).unwrap_err();
            assert!(matches!(error, Error::Manifest { line: 1, .. }), "{error:?}");
        }
        let many: Vec<String> =
            (0..=super::super::IMAGES).map(|n| format!("  s{n}: {{image: a}}")).collect();
        let error = compose(&format!("services:\n{}\n", many.join("\n")), "compose.yaml".into())
            .unwrap_err();
        assert!(
            matches!(&error, Error::Manifest { line: 1_002, message, .. } if message == "more than 1000 images"),
            "{error:?}"
        );
        let bomb = "a: &a [x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b]\n\
            d: &d [*c, *c, *c, *c, *c, *c, *c, *c]\ne: &e [*d, *d, *d, *d, *d, *d, *d, *d]\nf: &f [*e, *e, *e, *e, *e, *e, *e, *e]\n\
            g: [*f, *f, *f, *f, *f, *f, *f, *f]\n";
        assert!(matches!(
            compose(bomb, "compose.yaml".into()).unwrap_err(),
            Error::Manifest { .. }
        ));
    }
}
