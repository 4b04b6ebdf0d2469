//! Images that Dockerfiles and Compose files name.
//!
//! Formats: <https://docs.docker.com/reference/dockerfile/>, <https://github.com/compose-spec/compose-spec/blob/main/spec.md>.
//! An image that a Compose file builds is nobody's package; what its Dockerfile names is.

use super::{Cataloger, Context, Files, Found};
use crate::{
    dockerfile::{self, Images},
    document, image_name,
};
use plimsoll_model::{
    TreePath,
    component::Scope,
    inventory::Coverage,
    tree::{Entry, Want},
};
use serde_json::Value;

pub(crate) const CATALOGER: Cataloger = Cataloger {
    id: "image-reference",
    description: "images named in Dockerfiles and Compose files",
    files: &[
        Files::Named("Dockerfile"),
        Files::Named("Containerfile"),
        Files::Ending(".yml"),
        Files::Ending(".yaml"),
        // `Dockerfile.dev`: only the beginning of the name is known.
        Files::Any,
    ],
    earlier: &[],
    want,
    edges: Coverage::Unknown,
    catalog,
};

fn want(path: &TreePath, _: u64, _: u32) -> Want {
    let name = path.file_name();
    let is_named = is_dockerfile(name) || is_compose(name);
    if is_named && !document::is_of_dependency(path) { Want::Content } else { Want::Nothing }
}

/// `Dockerfile`, `Dockerfile.dev`, `dev.Dockerfile`, and the same with `Containerfile`.
fn is_dockerfile(name: &[u8]) -> bool {
    // What lies beside a Dockerfile under its name: lists of what to ignore, templates, programs about it.
    const OTHERS: [&[u8]; 9] =
        [b"dockerignore", b"j2", b"tmpl", b"template", b"md", b"go", b"py", b"js", b"rb"];
    [b"Dockerfile".as_slice(), b"Containerfile"].into_iter().any(|word| {
        let is_named = |rest: &[u8]| {
            let end = rest.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
            rest.starts_with(b".") && !OTHERS.contains(&end)
        };
        name == word
            || name.strip_prefix(word).is_some_and(is_named)
            || name.strip_suffix(word).is_some_and(|before| before.ends_with(b"."))
    })
}

/// `compose.yaml`, `docker-compose.yml`, and with a word between.
fn is_compose(name: &[u8]) -> bool {
    let name = name.strip_prefix(b"docker-").unwrap_or(name);
    let rest = name.strip_prefix(b"compose.");
    let end = rest.and_then(|rest| rest.rsplit(|byte| *byte == b'.').next());
    matches!(end, Some(b"yml" | b"yaml"))
}

fn catalog(ctx: &Context<'_>) -> Found {
    ctx.each(ctx.limits.package_metadata, |ctx, entry, bytes, found| {
        if !is_compose(entry.path.file_name()) {
            return match document::text(bytes) {
                Ok(text) => add(ctx, entry, dockerfile::images(text), found),
                Err(reason) => ctx.note(found, entry, reason),
            };
        }
        match document::yaml::<Value>(bytes) {
            Ok(value) => compose(ctx, entry, &value, found),
            Err(reason) => ctx.note(found, entry, reason),
        }
    })
}

fn add(ctx: &Context<'_>, entry: &Entry, images: Images, found: &mut Found) {
    for name in &images.named {
        image_name::add(ctx, found, entry, name);
    }
    let frontend = images.frontend.and_then(|name| image_name::add(ctx, found, entry, &name));
    if let Some(component) = frontend.and_then(|id| found.at(id)) {
        component.scope = Scope::Development;
    }
    for reason in images.unknown {
        ctx.note(found, entry, reason);
    }
}

fn compose(ctx: &Context<'_>, entry: &Entry, value: &Value, found: &mut Found) {
    let Some(services) = value.get("services").and_then(Value::as_object) else {
        // A file may do nothing but include others, each of which is read where it lies.
        if value.get("include").is_none() {
            ctx.note(found, entry, "the file has no `services`");
        }
        return;
    };
    for (name, service) in services {
        if !service.is_object() {
            ctx.note(found, entry, format!("service `{name}` is no mapping"));
        }
        if let Some(build) = service.get("build") {
            built(ctx, entry, build, found);
            continue;
        }
        match service.get("image") {
            // It only changes what another file says of the service.
            None => {}
            Some(Value::String(image)) => image_of(ctx, entry, image, found),
            Some(_) => ctx.note(found, entry, format!("the image of service `{name}` is no text")),
        }
    }
}

fn image_of(ctx: &Context<'_>, entry: &Entry, written: &str, found: &mut Found) {
    match image_name::expand(written, |_| None) {
        Some(name) => {
            image_name::add(ctx, found, entry, &name);
        }
        None => ctx.note(found, entry, format!("which image `{written}` is cannot be told")),
    }
}

/// What a service is built from, where the file says it itself.
fn built(ctx: &Context<'_>, entry: &Entry, build: &Value, found: &mut Found) {
    if let Some(text) = build.get("dockerfile_inline").and_then(Value::as_str) {
        add(ctx, entry, dockerfile::images(text), found);
    }
    let contexts = build.get("additional_contexts");
    let mapped = contexts.and_then(Value::as_object).into_iter().flat_map(|map| map.values());
    let listed = contexts.and_then(Value::as_array).into_iter().flatten();
    for context in mapped.chain(listed).filter_map(Value::as_str) {
        if let Some((_, image)) = context.split_once("docker-image://") {
            image_of(ctx, entry, image, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestTree;
    use plimsoll_model::component::ComponentKind;

    const COMPOSE: &str = "\
services:
  web:
    image: nginx:1.27
  db:
    image: postgres:${PG:-16}@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
  own:
    build:
      context: .
      dockerfile_inline: |
        FROM alpine:3.20
      additional_contexts:
        - base=docker-image://registry.example:5000/team/base:1
    image: registry.example/own:latest
  tagged:
    image: redis:${TAG}
  plain:
    image: redis
";

    #[track_caller]
    fn check(path: &str, text: &str, expect: &[&str]) {
        assert_eq!(TestTree::new().file(path, text).lines(), expect);
    }

    #[test]
    fn images_of_dockerfiles() {
        let text = "# syntax=docker/dockerfile:1\nFROM debian:12 AS base\nFROM base\nCOPY --from=ghcr.io/a/b:1 /x /\n";
        let expect = [
            "pkg:docker/a/b@1?repository_url=ghcr.io",
            "pkg:docker/debian@12",
            "pkg:docker/docker/dockerfile@1",
        ];
        for path in ["Dockerfile", "x/Dockerfile.dev", "x/dev.Dockerfile", "Containerfile"] {
            check(path, text, &expect);
        }
        for path in [
            "Dockerfile.dockerignore",
            "MyDockerfile",
            "Dockerfile.md",
            "node_modules/a/Dockerfile",
        ] {
            check(path, text, &[]);
        }
        let inventory = TestTree::new().file("Dockerfile", text).catalog();
        let seen: Vec<_> =
            inventory.components().iter().map(|found| (found.kind, found.scope)).collect();
        let image = ComponentKind::Container;
        assert_eq!(
            seen,
            [(image, Scope::Required), (image, Scope::Required), (image, Scope::Development)]
        );
    }

    #[test]
    fn images_of_compose_files() {
        let digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        for path in ["compose.yaml", "srv/docker-compose.prod.yml"] {
            check(
                path,
                COMPOSE,
                &[
                    "pkg:docker/alpine@3.20",
                    "pkg:docker/nginx@1.27",
                    "pkg:docker/redis",
                    "pkg:docker/team/base@1?repository_url=registry.example:5000",
                    &format!(
                        "pkg:oci/postgres@{digest}?repository_url=docker.io%2Flibrary%2Fpostgres&tag=16"
                    ),
                    &format!(
                        "image-reference: /{path}: package `docker.io/library/redis` states no version"
                    ),
                    &format!(
                        "image-reference: /{path}: which image `redis:${{TAG}}` is cannot be told"
                    ),
                ],
            );
        }
        check("compose-notes.yml", COMPOSE, &[]);
    }

    #[test]
    fn what_is_broken_is_said() {
        for (path, text, expect) in [
            ("Dockerfile", "", "it has no FROM"),
            (
                "Dockerfile",
                "FROM UPPER:1",
                "`UPPER:1` names no image: malformed repository `UPPER`: ",
            ),
            ("Dockerfile", "FROM a@sha256:1", "`a@sha256:1` names no image: malformed digest"),
            ("Dockerfile", "FROM {{ base }}", "`{{` names no image: "),
            ("compose.yml", "version: '3'", "the file has no `services`"),
            ("compose.yml", "services: {a: 1}", "service `a` is no mapping"),
            ("compose.yml", "services: {a: {image: 1}}", "the image of service `a` is no text"),
            ("compose.yml", "services: {a: {image: a:1}, a: {}}", "malformed: "),
        ] {
            let lines = TestTree::new().file(path, text).lines();
            let [line] = lines.as_slice() else { panic!("{text}: {lines:?}") };
            assert!(line.starts_with(&format!("image-reference: /{path}: {expect}")), "{line}");
        }
        let lines = TestTree::new().file("Dockerfile", b"FROM a\xff").lines();
        assert!(lines[0].starts_with("image-reference: /Dockerfile: malformed: "), "{lines:?}");
        check("compose.yml", "include: [other.yml]", &[]);
    }
}
