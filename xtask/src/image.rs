//! A real image that nobody here wrote: Debian by mmdebstrap, its layers by umoci, applications by npm and pip.
//!
//! One OCI layout with two tags: `base` is Debian alone, `app` is built on it and so begins with its layer. Beside it, in
//! `truth/`, is what dpkg, pip and npm say is in `app`: the answer that an inventory has to give.

pub(crate) mod fat;

use crate::{
    oracles,
    shell::{
        self, command, fresh_folder, has, is_root, is_stamped, output, root, run, stamp,
        with_retries,
    },
};
use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use std::fs;

/// What decides what the image holds, besides this file: when any of it changes, the image is built again.
const RECIPE: &str = concat!(
    include_str!("../image/app/package-lock.json"),
    include_str!("../image/app/server.js"),
    include_str!("../image/requirements.txt"),
);

/// The day that every file of the image claims at the latest: 2025-01-01.
const SOURCE_DATE_EPOCH: &str = "1735689600";
const CREATED: &str = "2025-01-01T00:00:00Z";
const SUITE: &str = "bookworm";

/// Everything that decides what an image holds that is built by this module.
fn recipe_of(recipe: &str) -> String {
    [include_str!("image.rs"), recipe].concat()
}

/// Builds the image into `target/oracles/image`, unless it is there.
pub(crate) fn build() -> Result<()> {
    let folder = shell::oracles().join("image");
    let recipe = recipe_of(RECIPE);
    if is_stamped(&folder, &recipe) {
        return Ok(());
    }
    let is_possible =
        is_root()? && ["mmdebstrap", "umoci", "npm"].iter().all(|program| has(program));
    if !is_possible {
        let reason = "the test image is not built: that takes root, mmdebstrap, umoci and npm";
        if oracles::are_required() {
            bail!("{reason}");
        }
        eprintln!("{reason}; the tests that need it will say so and pass over");
        return Ok(());
    }
    println!("building the test image in {folder}");
    let image = Image::begin(&folder)?;
    image.base()?;
    image.app()?;
    image.end()?;
    stamp(&folder, &recipe)
}

/// Where the image grows.
struct Image {
    /// The result, an OCI image layout.
    layout: Utf8PathBuf,
    /// Tar files and the unpacked tree; gone when the image stands.
    work: Utf8PathBuf,
    /// What others say is inside.
    truth: Utf8PathBuf,
}

impl Image {
    /// An image in a folder of its own, whatever was there before.
    fn begin(folder: &Utf8Path) -> Result<Self> {
        fresh_folder(folder)?;
        let image = Self {
            layout: folder.join("layout"),
            work: folder.join("work"),
            truth: folder.join("truth"),
        };
        fs::create_dir(&image.truth)?;
        fs::create_dir(&image.work)?;
        Ok(image)
    }

    /// Removes what the image grew in.
    fn end(&self) -> Result<()> {
        fs::remove_dir_all(&self.work).context("cannot remove what the image grew in")
    }

    /// Debian alone, as one layer, under the tag `base`.
    fn base(&self) -> Result<()> {
        let tar = self.work.join("base.tar");
        debian(&tar, &[])?;
        self.umoci(&["init", "--layout", self.layout.as_str()])?;
        self.umoci(&["new", "--image", &self.tag("base")])?;
        let by =
            ["--history.created", CREATED, "--history.created_by", "mmdebstrap --variant=minbase"];
        self.umoci(
            &[["raw", "add-layer", "--image", &self.tag("base")].as_slice(), &by, &[tar.as_str()]]
                .concat(),
        )?;
        let architecture = output(command("dpkg").arg("--print-architecture"))?;
        self.config(
            "base",
            &[
                ("--os", "linux"),
                ("--architecture", architecture.trim()),
                ("--config.cmd", "/bin/bash"),
                (
                    "--config.env",
                    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                ),
            ],
        )
    }

    /// On it: Python and Node.js, an application of each, and a layer that deletes; under the tag `app`.
    fn app(&self) -> Result<()> {
        let tar = self.work.join("app.tar");
        debian(&tar, &["python3-pip", "nodejs"])?;
        self.umoci(&["unpack", "--image", &self.tag("base"), self.bundle().as_str()])?;
        self.replace_tree(&tar)?;
        self.commit("apt-get install python3-pip nodejs")?;

        let app = self.tree("srv/app");
        npm_application(&app)?;
        self.commit("npm ci")?;
        pip_packages(&self.tree("srv/py"), "xtask/image/requirements.txt")?;
        self.commit("pip install --target /srv/py")?;

        run(command("npm")
            .args(["uninstall", "left-pad", "--ignore-scripts", "--no-audit"])
            .current_dir(&app))?;
        fs::remove_dir_all(self.tree("usr/share/doc"))?;
        self.commit("npm uninstall left-pad; rm -r /usr/share/doc")?;
        self.config(
            "app",
            &[
                ("--config.user", "1000"),
                ("--config.workingdir", "/srv/app"),
                ("--config.entrypoint", "node"),
                ("--config.cmd", "server.js"),
            ],
        )?;
        self.umoci(&["gc", "--layout", self.layout.as_str()])?;
        self.record_truth()
    }

    /// What Debian's, Python's and npm's own tools say is installed, asked in the finished tree.
    fn record_truth(&self) -> Result<()> {
        let format = "${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\t${db:Status-Status}\n";
        let dpkg = self.inside(&["dpkg-query", "--show", &format!("--showformat={format}")])?;
        fs::write(self.truth.join("dpkg.tsv"), dpkg)?;
        let pip = ["python3", "-m", "pip", "list", "--format", "json"];
        fs::write(self.truth.join("pip.json"), self.inside(&pip)?)?;
        let of_app = [pip.as_slice(), &["--path", "/srv/py"]].concat();
        fs::write(self.truth.join("pip-app.json"), self.inside(&of_app)?)?;
        let npm = output(
            command("npm").args(["ls", "--all", "--json"]).current_dir(self.tree("srv/app")),
        )?;
        fs::write(self.truth.join("npm.json"), npm).context("cannot write what npm says")
    }

    /// Runs a program of the image in its tree.
    fn inside(&self, program: &[&str]) -> Result<String> {
        output(
            command("chroot")
                .arg(self.tree(""))
                .args(program)
                .env_clear()
                .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin"),
        )
    }

    /// The unpacked tree becomes what is in `tar`; what is the same in both is no change to umoci.
    fn replace_tree(&self, tar: &Utf8Path) -> Result<()> {
        fresh_folder(&self.tree(""))?;
        run(command("tar").args([
            "-xpf",
            tar.as_str(),
            "--numeric-owner",
            "--xattrs",
            "-C",
            self.tree("").as_str(),
        ]))
    }

    /// The changes since the last call become a layer.
    fn commit(&self, created_by: &str) -> Result<()> {
        let history = ["--history.created", CREATED, "--history.created_by", created_by];
        let tag = self.tag("app");
        self.umoci(
            &[
                ["repack", "--refresh-bundle", "--image", &tag].as_slice(),
                &history,
                &[self.bundle().as_str()],
            ]
            .concat(),
        )
    }

    fn config(&self, tag: &str, settings: &[(&str, &str)]) -> Result<()> {
        let mut arguments = vec!["config", "--no-history", "--created", CREATED, "--image"];
        let image = self.tag(tag);
        arguments.push(&image);
        arguments.extend(settings.iter().flat_map(|&(name, value)| [name, value]));
        self.umoci(&arguments)
    }

    fn umoci(&self, arguments: &[&str]) -> Result<()> {
        run(command("umoci").args(arguments).current_dir(&self.work))
    }

    fn tag(&self, tag: &str) -> String {
        format!("{}:{tag}", self.layout)
    }

    fn bundle(&self) -> Utf8PathBuf {
        self.work.join("bundle")
    }

    fn tree(&self, path: &str) -> Utf8PathBuf {
        self.bundle().join("rootfs").join(path)
    }
}

/// A Debian with these packages, as a tar file. An archive that stands still serves as well as one that moves.
fn debian(to: &Utf8Path, packages: &[&str]) -> Result<()> {
    with_retries("fetching Debian", || {
        run(command("mmdebstrap")
            .env("SOURCE_DATE_EPOCH", SOURCE_DATE_EPOCH)
            .args(["--variant=minbase", "--quiet", "--aptopt=Acquire::Check-Valid-Until \"false\""])
            .arg("--customize-hook=rm -f \"$1/etc/resolv.conf\" \"$1/etc/hostname\"")
            .args((!packages.is_empty()).then(|| format!("--include={}", packages.join(","))))
            .args([SUITE, to.as_str()]))
    })
}

/// Express and lodash, as their lock says.
fn npm_application(to: &Utf8Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for file in ["package.json", "package-lock.json", "server.js"] {
        fs::copy(root().join("xtask/image/app").join(file), to.join(file))?;
    }
    with_retries("installing the application's packages from npm", || {
        run(command("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(to))
    })
}

/// Wheels in a folder of their own, as a slim image carries them.
fn pip_packages(to: &Utf8Path, requirements: &str) -> Result<()> {
    let requirements = root().join(requirements);
    with_retries("installing the application's packages from PyPI", || {
        run(command(shell::oracles().join("venv/bin/pip"))
            .args(["install", "--quiet", "--no-deps", "--no-compile", "--only-binary=:all:"])
            .args(["--python-version=3.11", "--target", to.as_str(), "-r", requirements.as_str()]))
    })
}
