//! Image, directory or file → inventory.

use crate::{context::Context, error::Error, stages::resolve::Resolved, ui::Stage};
use camino::{Utf8Path, Utf8PathBuf};
use indicatif::ProgressBar;
use jiff::Timestamp;
use plimsoll_model::{
    Inventory, Limits, Reference, TreePath,
    inventory::Unknown,
    owned::OwnedFiles,
    reference::Selector,
    tree::{Condense, Condenser, Interest, Want},
};
use plimsoll_oci::{
    LayeredTree,
    directory::{DirectoryTree, Ignored},
    image::{Progress, ReadOptions, condense_again},
};
use plimsoll_policy::{Files, Users, secrets::Secrets};
use plimsoll_sbom::formats::{self, Document, DocumentSubject};
use std::io::Write;
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// What is aboard one image.
#[derive(Debug)]
pub(crate) struct Cataloged {
    inventory: Arc<Inventory>,
    users: Users,
    /// Absent where nothing is judged by them.
    secrets: Option<Secrets>,
    files: Files,
    subject: DocumentSubject,
    timestamp: Timestamp,
}

impl Cataloged {
    /// An image without a package, for tests.
    #[cfg(test)]
    pub(crate) fn nothing() -> Self {
        let subject = DocumentSubject {
            name: "app".to_owned(),
            digest: None,
            platform: None,
            image_tag: None,
        };
        Self {
            users: Users::Absent,
            secrets: None,
            files: Files::default(),
            inventory: Arc::default(),
            subject,
            timestamp: Timestamp::UNIX_EPOCH,
        }
    }

    /// What is aboard an image, for tests.
    #[cfg(test)]
    pub(crate) fn with(inventory: Inventory) -> Self {
        Self { inventory: Arc::new(inventory), ..Self::nothing() }
    }

    /// What is known of something that is no image, and is called by a name.
    pub(crate) fn of(ctx: &Context, inventory: Inventory, name: &str) -> Self {
        let subject = DocumentSubject {
            name: name.to_owned(),
            digest: None,
            platform: None,
            image_tag: None,
        };
        Self {
            inventory: Arc::new(inventory),
            users: Users::Absent,
            secrets: None,
            files: Files::default(),
            subject,
            timestamp: ctx.document_time.unwrap_or(ctx.now),
        }
    }

    /// The same about a subject that is told apart by more than its name.
    pub(crate) fn about(self, subject: DocumentSubject) -> Self {
        Self { subject, ..self }
    }

    /// The same as a document that was made at a time, where one is known.
    pub(crate) fn made(self, timestamp: Option<Timestamp>) -> Self {
        Self { timestamp: timestamp.unwrap_or(self.timestamp), ..self }
    }

    /// What it is about.
    pub(crate) const fn subject(&self) -> &DocumentSubject {
        &self.subject
    }

    /// The inventory.
    pub(crate) fn inventory(&self) -> &Arc<Inventory> {
        &self.inventory
    }

    /// The accounts of the image.
    pub(crate) const fn users(&self) -> &Users {
        &self.users
    }

    /// What its layers hold that nobody should see, where they were looked at.
    pub(crate) const fn secrets(&self) -> Option<&Secrets> {
        self.secrets.as_ref()
    }

    /// What of the image's files rules look at.
    pub(crate) const fn files(&self) -> &Files {
        &self.files
    }

    /// What an SBOM of it is made from.
    pub(crate) fn document(&self) -> Document<'_> {
        Document {
            inventory: &self.inventory,
            subject: self.subject.clone(),
            timestamp: self.timestamp,
            tool_version: crate::context::VERSION,
        }
    }

    /// The SBOM in the format with this id.
    pub(crate) fn sbom(&self, format: &'static str) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        self.write_sbom(format, &mut bytes)?;
        Ok(bytes)
    }

    /// Writes the SBOM in the format with this id.
    pub(crate) fn write_sbom(
        &self,
        format: &'static str,
        out: &mut dyn Write,
    ) -> Result<(), Error> {
        let format =
            formats::find(format).ok_or(Error::Internal("an SBOM format is not registered"))?;
        Ok((format.write)(&self.document(), out)?)
    }
}

/// Catalogs an image: all its layers in one pass, every digest verified.
pub(crate) async fn catalog(ctx: &Context, resolved: &Resolved) -> Result<Cataloged, Error> {
    catalog_by(ctx, resolved, Wanted::new(Secrecy::Passed, &ctx.limits)).await
}

/// The same, and looks for secrets in every layer on the way.
pub(crate) async fn catalog_to_judge(
    ctx: &Context,
    resolved: &Resolved,
) -> Result<Cataloged, Error> {
    catalog_by(ctx, resolved, Wanted::new(Secrecy::Looked, &ctx.limits)).await
}

async fn catalog_by(
    ctx: &Context,
    resolved: &Resolved,
    wanted: Wanted,
) -> Result<Cataloged, Error> {
    let stage = ctx.ui.stage("inventory");
    let image = resolved.image();
    let secrecy = wanted.secrecy;
    let layers = Layers::read(ctx, resolved, wanted, &stage).await?;
    let (tree, limits) = (Arc::clone(&layers.tree), ctx.limits.clone());
    let catalog = move || match secrecy {
        Secrecy::Looked => {
            let (inventory, owned) = plimsoll_sbom::catalog_to_judge(tree.as_ref(), &limits);
            (inventory, Some(owned))
        }
        Secrecy::Passed => (plimsoll_sbom::catalog(tree.as_ref(), &limits), None),
    };
    let (inventory, owned) = spawn_blocking(catalog).await.map_err(Error::Worker)?;
    let (users, files, secrets) = match owned {
        Some(owned) => {
            let Seen { users, files, secrets } = layers.seen(ctx, owned).await?;
            (users, files, Some(secrets))
        }
        // Nothing is judged by them.
        None => (Users::Absent, Files::default(), None),
    };
    stage.done(&count(&inventory));
    let timestamp = ctx.document_time.or(image.config.created).unwrap_or(ctx.now);
    Ok(Cataloged {
        inventory: Arc::new(inventory),
        users,
        files,
        secrets,
        subject: document_subject(resolved),
        timestamp,
    })
}

/// What the rules judge of the layers of an image.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Its accounts.
    pub users: Users,
    /// What of its files rules look at.
    pub files: Files,
    /// What its layers hold that nobody should see.
    pub secrets: Secrets,
}

/// Looks at the layers of an image for what the rules judge, and catalogs nothing.
pub(crate) async fn look(ctx: &Context, resolved: &Resolved) -> Result<Seen, Error> {
    let stage = ctx.ui.stage("layers");
    let layers = Layers::read(ctx, resolved, Wanted::by_rules(&ctx.limits), &stage).await?;
    let (tree, limits) = (Arc::clone(&layers.tree), ctx.limits.clone());
    let look = move || plimsoll_sbom::owned_files(tree.as_ref(), &limits);
    let owned = spawn_blocking(look).await.map_err(Error::Worker)?;
    let seen = layers.seen(ctx, owned).await?;
    stage.done("looked at");
    Ok(seen)
}

/// The layers of an image, read.
struct Layers<'a> {
    resolved: &'a Resolved,
    options: ReadOptions,
    progress: Bar,
    tree: Arc<LayeredTree>,
}

impl<'a> Layers<'a> {
    /// Reads all layers.
    async fn read(
        ctx: &Context,
        resolved: &'a Resolved,
        wanted: Wanted,
        stage: &Stage<'_>,
    ) -> Result<Self, Error> {
        let image = resolved.image();
        stage.expect(image.layers.iter().map(|layer| layer.size).sum());
        let options = ReadOptions {
            interest: Arc::new(wanted),
            limits: ctx.limits.clone(),
            cache: ctx.layer_cache(),
            threads: ctx.shared.jobs,
        };
        let progress = Bar(stage.bar());
        let source = resolved.source();
        let tree = plimsoll_oci::read_tree(source, image, &options, &progress).await?;
        Ok(Self { resolved, options, progress, tree: Arc::new(tree) })
    }

    /// What the rules judge of them. Files of packages that a later layer than the package's brought are hashed.
    async fn seen(&self, ctx: &Context, mut owned: OwnedFiles) -> Result<Seen, Error> {
        let wanted = owned.to_hash();
        let wanted =
            wanted.map(|(path, hash)| (path.clone(), plimsoll_sbom::hasher(hash.algorithm)));
        let hashed = condense_again(
            self.resolved.source(),
            self.resolved.image(),
            &self.options,
            (Arc::clone(&self.tree), wanted.collect()),
            &self.progress,
        );
        let text = |(path, hex): (_, Vec<u8>)| (path, String::from_utf8_lossy(&hex).into_owned());
        owned.compare(&hashed.await?.into_iter().map(text).collect());
        let (tree, limits) = (Arc::clone(&self.tree), ctx.limits.clone());
        let config = self.resolved.image().config.clone();
        let look = move || Seen {
            users: Users::read(tree.as_ref(), &limits),
            files: Files::read(tree.as_ref(), &config, owned, &limits),
            secrets: Secrets::of(tree.notes(), tree.as_ref()),
        };
        spawn_blocking(look).await.map_err(Error::Worker)
    }
}

/// Catalogs a directory.
pub(crate) async fn catalog_directory(
    ctx: &Context,
    path: &Utf8Path,
    ignored: Ignored,
) -> Result<Cataloged, Error> {
    let open = move |path: &Utf8Path, limits: &Limits| DirectoryTree::open(path, ignored, limits);
    let (passed_over, inventory) = catalog_tree(ctx, path, open).await?;
    if passed_over > 0 {
        ctx.ui.note(&format!(
            "passed over {passed_over} files and directories in {path} that git ignores; `--no-ignore` reads them"
        ));
    }
    // `.` is called what the directory is called.
    let real = path.canonicalize_utf8().unwrap_or_else(|_| path.to_owned());
    Ok(Cataloged::of(ctx, inventory, real.file_name().unwrap_or("/")))
}

/// Catalogs a single file. Where nothing knows what it is, that is an unknown.
pub(crate) async fn catalog_file(ctx: &Context, path: &Utf8Path) -> Result<Cataloged, Error> {
    let (_, mut inventory) = catalog_tree(ctx, path, DirectoryTree::open_file).await?;
    let name = path.file_name().unwrap_or_default();
    if inventory.components().is_empty()
        && inventory.unknowns.is_empty()
        && let Ok(path) = TreePath::parse(name.as_bytes())
    {
        let reason = "nothing in it is a component that any cataloger knows".to_owned();
        inventory.unknowns.push(Unknown { path, layer: None, cataloger: "file", reason });
    }
    Ok(Cataloged::of(ctx, inventory, name))
}

/// Catalogs a tree on this machine; also how much of it was passed over.
async fn catalog_tree(
    ctx: &Context,
    path: &Utf8Path,
    open: impl FnOnce(&Utf8Path, &Limits) -> Result<DirectoryTree, plimsoll_oci::Error> + Send + 'static,
) -> Result<(usize, Inventory), Error> {
    let stage = ctx.ui.stage("inventory");
    let (path, limits): (Utf8PathBuf, _) = (path.to_owned(), ctx.limits.clone());
    let work = move || {
        let tree = open(&path, &limits)?;
        Ok((tree.passed_over(), plimsoll_sbom::catalog(&tree, &limits)))
    };
    let outcome: Result<_, plimsoll_oci::Error> =
        spawn_blocking(work).await.map_err(Error::Worker)?;
    let (passed_over, inventory) = outcome?;
    stage.done(&count(&inventory));
    Ok((passed_over, inventory))
}

fn count(inventory: &Inventory) -> String {
    let unknowns = match inventory.unknowns.len() {
        0 => String::new(),
        count => format!(", {count} unknown"),
    };
    format!("{} components{unknowns}", inventory.components().len())
}

fn document_subject(resolved: &Resolved) -> DocumentSubject {
    DocumentSubject {
        name: resolved.subject().place.subject_name(),
        digest: Some(resolved.subject().digest),
        platform: Some(resolved.image().platform.clone()),
        image_tag: tag_of(resolved.typed()),
    }
}

fn tag_of(reference: &Reference) -> Option<String> {
    match reference {
        Reference::Registry(name) | Reference::DockerDaemon(name) => {
            name.tag.as_ref().map(ToString::to_string)
        }
        Reference::OciLayout(archive)
        | Reference::OciArchive(archive)
        | Reference::DockerArchive(archive) => match &archive.selector {
            Selector::Tag(tag) => Some(tag.to_string()),
            Selector::Only | Selector::Digest(_) => None,
        },
        Reference::Directory(_) | Reference::File(_) | Reference::Sbom(_) => None,
    }
}

/// Whether secrets are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Secrecy {
    /// In every layer.
    Looked,
    /// Nothing is judged by them.
    Passed,
}

/// What the catalogers want, and what the rules want.
struct Wanted {
    /// Where nothing is cataloged, those that read databases of packages.
    catalogers: Box<dyn Interest>,
    secrecy: Secrecy,
    id: Option<String>,
    limits: Limits,
}

impl Wanted {
    fn new(secrecy: Secrecy, limits: &Limits) -> Self {
        Self::of(plimsoll_sbom::interest(), secrecy, limits)
    }

    /// What the rules want alone.
    fn by_rules(limits: &Limits) -> Self {
        Self::of(plimsoll_sbom::database_interest(), Secrecy::Looked, limits)
    }

    fn of(catalogers: Box<dyn Interest>, secrecy: Secrecy, limits: &Limits) -> Self {
        let id = catalogers.id().map(|id| Self::id_of(id, secrecy));
        Self { catalogers, secrecy, id, limits: limits.clone() }
    }

    /// What the rules want may be another with every version, and what is a secret with every pattern.
    fn id_of(catalogers: &str, secrecy: Secrecy) -> String {
        let secrets = match secrecy {
            Secrecy::Looked => Secrets::id(),
            Secrecy::Passed => "",
        };
        format!("{} {catalogers} {secrets}", crate::context::VERSION)
    }

    /// Whether the rules want a file.
    fn is_for_rules(&self, path: &TreePath, size: u64) -> bool {
        Users::want(path) || Files::want(path, size, &self.limits)
    }
}

impl Interest for Wanted {
    fn want(&self, path: &TreePath, size: u64, mode: u32) -> Want {
        if self.is_for_rules(path, size) {
            Want::Content
        } else {
            self.catalogers.want(path, size, mode)
        }
    }

    fn want_by_link(&self, path: &TreePath, size: u64, mode: u32) -> Want {
        if self.is_for_rules(path, size) {
            Want::Content
        } else {
            self.catalogers.want_by_link(path, size, mode)
        }
    }

    fn inspect(&self, path: &TreePath, size: u64) -> Option<Box<dyn Condense>> {
        match self.secrecy {
            Secrecy::Looked => Secrets::look(path, size),
            Secrecy::Passed => None,
        }
    }

    fn wants_earlier(&self, path: &TreePath) -> bool {
        Files::wants_earlier(path) || self.catalogers.wants_earlier(path)
    }

    fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    fn condensers(&self) -> &[&'static Condenser] {
        self.catalogers.condensers()
    }
}

#[derive(Debug)]
struct Bar(Option<ProgressBar>);

impl Progress for Bar {
    fn bytes(&self, count: u64) {
        if let Some(bar) = &self.0 {
            bar.inc(count);
        }
    }
}
