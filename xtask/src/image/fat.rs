//! A large image, as people build them: what speed and memory are measured on. Tests do not need it.
//!
//! Debian with a Java runtime and Maven, Go, Ruby, Node.js and Python; 120 packages of PyPI and 650 of npm; an archive in
//! an archive, and a layer that deletes. Six gzip layers. Beside it in `unpacked` is what umoci makes of it.

use super::{Image, debian, pip_packages, recipe_of};
use crate::shell::{self, command, fresh_folder, is_stamped, root, run, stamp, with_retries};
use anyhow::Result;
use std::fs;

const RECIPE: &str = concat!(
    include_str!("fat.rs"),
    include_str!("../../image/fat/package-lock.json"),
    include_str!("../../image/fat/requirements.txt"),
);

const PACKAGES: [&str; 8] =
    ["caddy", "default-jre-headless", "golang", "maven", "nodejs", "npm", "python3-pip", "ruby"];

/// An archive of Java with two of Maven's in it, as Spring's builder nests them.
const DEMO_JAR: &str = r#"
import sys, zipfile
to, libraries = sys.argv[1], sys.argv[2:]
with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as jar:
    def add(name, content, method=zipfile.ZIP_DEFLATED):
        jar.writestr(zipfile.ZipInfo(name, (2025, 1, 1, 0, 0, 0)), content, method)
    add("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\r\nImplementation-Title: demo-app\r\nImplementation-Version: 1.0.0\r\n\r\n")
    add("META-INF/maven/org.example/demo-app/pom.properties", "groupId=org.example\nartifactId=demo-app\nversion=1.0.0\n")
    for library in libraries:
        add("BOOT-INF/lib/" + library.rsplit("/", 1)[1], open(library, "rb").read(), zipfile.ZIP_STORED)
"#;

/// Builds the image into `target/oracles/fat`, unless it is there.
pub(crate) fn build() -> Result<()> {
    let folder = shell::oracles().join("fat");
    let recipe = recipe_of(RECIPE);
    if is_stamped(&folder, &recipe) {
        return Ok(());
    }
    println!("building the large image in {folder}: some minutes, and 6 GB of disk");
    let image = Image::begin(&folder)?;
    image.base()?;
    image.fat()?;
    let unpacked = folder.join("unpacked");
    fresh_folder(&unpacked)?;
    image.umoci(&["unpack", "--image", &image.tag("app"), unpacked.as_str()])?;
    image.end()?;
    stamp(&folder, &recipe)
}

impl Image {
    fn fat(&self) -> Result<()> {
        let tar = self.work.join("app.tar");
        debian(&tar, &PACKAGES)?;
        self.umoci(&["unpack", "--image", &self.tag("base"), self.bundle().as_str()])?;
        self.replace_tree(&tar)?;
        self.commit("apt-get install caddy default-jre-headless golang maven nodejs npm ruby")?;
        pip_packages(&self.tree("srv/py"), "xtask/image/fat/requirements.txt")?;
        self.commit("pip install --target /srv/py")?;

        let app = self.tree("srv/app");
        fs::create_dir_all(&app)?;
        for file in ["package.json", "package-lock.json"] {
            fs::copy(root().join("xtask/image/fat").join(file), app.join(file))?;
        }
        with_retries("installing the packages of npm", || {
            run(command("npm")
                .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
                .current_dir(&app))
        })?;
        self.commit("npm ci")?;

        fs::create_dir_all(self.tree("opt/demo"))?;
        let library = |name: &str| self.tree("usr/share/java").join(name).into_string();
        run(command("python3")
            .args(["-c", DEMO_JAR, self.tree("opt/demo/demo-app.jar").as_str()])
            .args([library("guice.jar"), library("slf4j-api.jar")]))?;
        self.commit("COPY demo-app.jar /opt/demo/")?;

        fs::remove_dir_all(self.tree("usr/share/doc"))?;
        self.commit("rm -r /usr/share/doc")?;
        self.config("app", &[("--config.user", "1000"), ("--config.cmd", "/bin/sh")])?;
        self.umoci(&["gc", "--layout", self.layout.as_str()])?;
        self.record_truth()
    }
}
