//! From a pinned reference to one image, and from its layers to a tree.

pub use crate::layer::Progress;
use crate::{
    cache::{CacheError, Key, LayerCache},
    error::Error,
    layer::{Content, KeptBudget, LayerEntryKind, LayerFiles, Reading, Selection, read_layer},
    local::blocking,
    manifest::{Descriptor, ImageManifest, Index, Manifest, parse_config},
    source::Source,
    squash::{LayeredTree, ReadAgain, Squash, Wanted},
    stream::ByteStream,
};
use bytes::{Buf as _, Bytes};
use futures_util::StreamExt as _;
use plimsoll_model::{
    Digest, Limits, Pinned, TreePath,
    image::{ChildRole, HistoryKind, Image, ImageConfig, IndexChild, Layer},
    platform::Platform,
    tree::{Condenser, Interest, LayerIndex},
};
use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    io::{self, Read},
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};
use tokio::{runtime::Handle, sync::mpsc};

/// How deep indexes may lie in indexes.
const NESTING: usize = 4;
/// Media types of a configuration that an image runs by.
const CONFIGS: [&str; 2] =
    ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];

/// Opens the image that `pinned` names, or the one of its images that is for `platform`.
///
/// Without a platform it is the one for this machine's architecture, or the only one there is.
///
/// # Errors
/// [`Error::NoPlatform`], [`Error::NestedIndexes`], [`Error::NotAnImage`], [`Error::LayerCount`], and those of reading
/// manifests and blobs.
pub async fn open_image(
    source: &Source,
    pinned: &Pinned,
    platform: Option<&Platform>,
) -> Result<Image, Error> {
    let Chosen { manifest, image, children } = choose(source, pinned, platform).await?;
    if !CONFIGS.contains(&image.config.media_type.as_str()) {
        return Err(Error::NotAnImage { reference: pinned.to_string() });
    }
    let place = || format!("{}@{}", pinned.place, manifest);
    let bytes = source.read_blob(&image.config, Limits::STANDARD.manifest).await?;
    let (is_for, config, diff_ids) =
        parse_config(&bytes, &format!("configuration of {}", place()))?;
    if let Some(asked) = platform
        && !serves(asked, &is_for)
    {
        return Err(Error::NoPlatform {
            place: place(),
            asked: asked.clone(),
            offered: vec![is_for],
        });
    }
    let layers = layers(image.layers, &diff_ids, &config, &place)?;
    Ok(Image {
        pinned: pinned.clone(),
        manifest,
        config_digest: image.config.digest,
        platform: is_for,
        config,
        layers,
        annotations: image.annotations,
        children,
    })
}

/// Configurations often leave out a variant that their index names.
fn serves(asked: &Platform, offered: &Platform) -> bool {
    let variant = offered.variant.clone().or_else(|| asked.variant.clone());
    asked.is_served_by(&Platform { variant, ..offered.clone() })
}

/// The annotation by which a child of an index names the one that it is about.
const ABOUT: &str = "vnd.docker.reference.digest";

/// The image that a reference came to.
struct Chosen {
    manifest: Digest,
    image: ImageManifest,
    /// Of the first index.
    children: Vec<IndexChild>,
}

fn child(of: &Descriptor) -> IndexChild {
    let about = || of.annotations.get(ABOUT).and_then(|digest| digest.parse().ok());
    let role = if of.is_attestation() { ChildRole::About(about()) } else { ChildRole::Image };
    IndexChild { digest: of.digest, platform: of.platform.clone(), role }
}

/// Walks through indexes to one image.
async fn choose(
    source: &Source,
    pinned: &Pinned,
    platform: Option<&Platform>,
) -> Result<Chosen, Error> {
    let mut children = None;
    let mut manifest = source.manifest(&pinned.digest).await?;
    for _ in 0..=NESTING {
        match manifest.content {
            crate::manifest::Content::Image(image) => {
                let children = children.unwrap_or_default();
                return Ok(Chosen { manifest: manifest.descriptor.digest, image, children });
            }
            crate::manifest::Content::Index(index) => {
                children.get_or_insert_with(|| index.manifests.iter().map(child).collect());
                let child = choose_child(&index, pinned, platform)?;
                manifest = source.manifest(&child.digest).await?;
                is_as_promised(&manifest, child, pinned)?;
            }
        }
    }
    Err(Error::NestedIndexes { place: pinned.to_string(), limit: NESTING })
}

fn is_as_promised(found: &Manifest, promised: &Descriptor, pinned: &Pinned) -> Result<(), Error> {
    if found.descriptor.size == promised.size {
        return Ok(());
    }
    Err(Error::Size {
        from: format!("{}@{}", pinned.place, promised.digest),
        digest: promised.digest,
        expected: promised.size,
        found: Some(found.descriptor.size),
    })
}

fn choose_child<'a>(
    index: &'a Index,
    pinned: &Pinned,
    platform: Option<&Platform>,
) -> Result<&'a Descriptor, Error> {
    let images: Vec<&Descriptor> = index
        .manifests
        .iter()
        .filter(|child| child.is_manifest() && !child.is_attestation())
        .collect();
    let asked = platform.cloned().unwrap_or_else(Platform::host);
    let serving = images
        .iter()
        .filter(|child| child.platform.as_ref().is_some_and(|offered| asked.is_served_by(offered)));
    // As runtimes choose: what was asked for to the letter, else the first that serves.
    let exact = serving.clone().find(|child| child.platform.as_ref() == Some(&asked));
    if let Some(child) = exact.or_else(|| serving.clone().next()) {
        return Ok(child);
    }
    match images.as_slice() {
        // Where the index does not say what the only image is for, its configuration will.
        [only, again @ ..]
            if again.iter().all(|child| child.digest == only.digest)
                && (platform.is_none() || only.platform.is_none()) =>
        {
            Ok(only)
        }
        _ => {
            let mut offered: Vec<_> =
                images.iter().filter_map(|child| child.platform.clone()).collect();
            offered.sort();
            offered.dedup();
            Err(Error::NoPlatform { place: pinned.to_string(), asked, offered })
        }
    }
}

fn layers(
    stored: Vec<Descriptor>,
    diff_ids: &[Digest],
    config: &ImageConfig,
    place: &impl Fn() -> String,
) -> Result<Vec<Layer>, Error> {
    let count = stored.len();
    if diff_ids.len() != count {
        return Err(Error::LayerCount { place: place(), layers: count, found: diff_ids.len() });
    }
    let mut made: Vec<_> =
        config.history.iter().filter(|step| step.kind == HistoryKind::Layer).collect();
    // Nothing is judged by the history, and some builders miscount: then no layer is said to be made by any step.
    if made.len() != count {
        made.clear();
    }
    let commands =
        made.into_iter().map(|step| Some(step.created_by.clone())).chain(std::iter::repeat(None));
    let layers =
        stored.into_iter().zip(diff_ids).zip(commands).map(|((blob, diff_id), created_by)| Layer {
            digest: blob.digest,
            size: blob.size,
            diff_id: *diff_id,
            media_type: blob.media_type,
            created_by,
        });
    Ok(layers.collect())
}

/// What is read of an image.
#[derive(Clone)]
pub struct ReadOptions {
    /// Which content is kept.
    pub interest: Arc<dyn Interest>,
    /// How much is read.
    pub limits: Limits,
    /// What was read of layers before.
    pub cache: Option<Arc<LayerCache>>,
    /// Layers that are read at once; as many as there are processors where nothing is said.
    pub threads: Option<NonZeroUsize>,
}

/// Reads all layers of an image, several at once and the largest first, and puts them on top of each other.
///
/// Every byte passes by once and is hashed as stored and inflated; nothing is written to disk. Only what `interest`
/// wants is kept, at most [`Limits::kept`] of it. Where a wanted name turns out to be a link to what had not been
/// wanted, that layer is read a second time.
///
/// Layers that are in the cache are not read at all: they were verified when they were put there, and neither digest
/// can be another's.
///
/// # Errors
/// [`Error::Digest`], [`Error::Size`], [`Error::Layer`], [`Error::KeptTooLarge`], [`Error::TooMany`], and those of
/// reading blobs. With an error there is no tree.
pub async fn read_tree(
    source: &Source,
    image: &Image,
    options: &ReadOptions,
    progress: &dyn Progress,
) -> Result<LayeredTree, Error> {
    let interest = Arc::clone(&options.interest);
    work(source, image, options, progress, move |job| job.run(interest.as_ref())).await
}

/// Reads files of a tree a second time, each through a condenser, and gives what was made of them: of what only the tree itself
/// tells that it is wanted. Only the layers that have one of them are read again, and nothing of them is kept.
///
/// What lies at exactly these paths and is no regular file, or of which the condenser makes nothing, is left out.
///
/// # Errors
/// Those of [`read_tree`].
pub async fn condense_again(
    source: &Source,
    image: &Image,
    options: &ReadOptions,
    (tree, wanted): (Arc<LayeredTree>, BTreeMap<TreePath, &'static Condenser>),
    progress: &dyn Progress,
) -> Result<BTreeMap<TreePath, Vec<u8>>, Error> {
    work(source, image, options, progress, move |job| job.condense(&tree, &wanted)).await
}

/// Does what blocks where it may, and tells how far it has come.
async fn work<T: Send + 'static>(
    source: &Source,
    image: &Image,
    options: &ReadOptions,
    progress: &dyn Progress,
    work: impl FnOnce(Job) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let given_up = GivenUp::default();
    let (sender, mut done) = mpsc::unbounded_channel();
    let job = Job {
        source: source.clone(),
        layers: image.layers.clone(),
        limits: options.limits.clone(),
        cache: options.cache.clone(),
        threads: options.threads,
        runtime: Handle::current(),
        done: Done(sender),
        given_up: Arc::clone(&given_up.0),
    };
    let tell = async {
        while let Some(count) = done.recv().await {
            progress.bytes(count);
        }
    };
    let (made, ()) = tokio::join!(blocking(move || work(job)), tell);
    made
}

/// Tells the threads that nobody waits for them any more, when it is dropped.
#[derive(Default)]
struct GivenUp(Arc<AtomicBool>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Progress on its way to where it can be told.
struct Done(mpsc::UnboundedSender<u64>);

impl Progress for Done {
    fn bytes(&self, count: u64) {
        // That nobody listens any more is no harm: then nobody misses it.
        if self.0.send(count).is_err() {}
    }
}

/// The reading of one image's layers.
struct Job {
    source: Source,
    layers: Vec<Layer>,
    limits: Limits,
    cache: Option<Arc<LayerCache>>,
    threads: Option<NonZeroUsize>,
    runtime: Handle,
    done: Done,
    given_up: Arc<AtomicBool>,
}

impl Job {
    fn run(self, interest: &dyn Interest) -> Result<LayeredTree, Error> {
        if self.layers.len() > self.limits.layers {
            let limit = self.limits.layers;
            return Err(Error::TooMany { from: "the image".to_owned(), what: "layers", limit });
        }
        let kept = KeptBudget::new(self.limits.kept);
        let all = (0..self.layers.len()).map(|at| (at, Selection::Interest(interest))).collect();
        let mut squash = Squash::new(self.limits.links, &kept, interest);
        self.read_layers(&all, &kept, |at, layer, files| {
            squash.apply(layer_index(at), layer, files)
        })?;
        tracing::debug!("layers read");
        let mut tree = squash.finish(&self.layers);
        let unread = tree.unread(interest);
        tracing::debug!(again = unread.len(), "layers merged");
        if !unread.is_empty() {
            tree.supply(self.read_again(&unread, &kept)?);
        }
        Ok(tree)
    }

    /// Makes of files what is wanted of them, of those that are held and of those that are read for it.
    fn condense(
        self,
        tree: &LayeredTree,
        wanted: &BTreeMap<TreePath, &'static Condenser>,
    ) -> Result<BTreeMap<TreePath, Vec<u8>>, Error> {
        let kept = KeptBudget::new(self.limits.kept);
        let read = self.read_again(&tree.unmade(wanted), &kept)?;
        Ok(tree.made(wanted, &read))
    }

    /// Reads what is wanted of layers a second time.
    fn read_again(&self, wanted: &Wanted, kept: &KeptBudget) -> Result<ReadAgain, Error> {
        let again = (0..self.layers.len())
            .filter_map(|at| Some((at, Selection::Ordinals(wanted.get(&layer_index(at))?))))
            .collect();
        let mut read = ReadAgain::new();
        self.read_layers(&again, kept, |at, _, files| {
            read.extend(contents(at, &files));
            files.release(kept);
            Ok(())
        })?;
        Ok(read)
    }

    /// Reads the layers that there is a selection for, and hands each to `take` as soon as all below it are there: what
    /// waits is held in memory. Of several errors it is the lowest layer's.
    fn read_layers(
        &self,
        selections: &BTreeMap<usize, Selection<'_>>,
        kept: &KeptBudget,
        take: impl FnMut(usize, &Layer, LayerFiles) -> Result<(), Error> + Send,
    ) -> Result<(), Error> {
        let mut queue: Vec<(usize, &Layer, &Selection<'_>)> = selections
            .iter()
            .filter_map(|(at, selection)| Some((*at, self.layers.get(*at)?, selection)))
            .collect();
        let order = queue.iter().map(|(at, layer, _)| (*at, *layer)).collect();
        queue.sort_by_key(|(_, layer, _)| std::cmp::Reverse(layer.size));
        let next = AtomicUsize::new(0);
        let waiting = Mutex::new(Waiting { order, read: BTreeMap::new(), result: Ok(()), take });
        let work = || {
            while let Some((at, layer, selection)) = queue.get(next.fetch_add(1, Ordering::Relaxed))
            {
                let result = self.cached(layer, selection, kept);
                let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
                let is_failed = result.is_err();
                waiting.add(*at, result);
                if is_failed || waiting.result.is_err() {
                    // Layers that are being read are read to their end; no other is begun.
                    next.store(queue.len(), Ordering::Relaxed);
                }
            }
        };
        // Not in the pool for work on the CPU: reading a layer may wait for a registry. Nor is that pool begun before they are
        // done, so that its threads take over the memory that the allocator gave to these.
        let threads = self.threads.or_else(|| thread::available_parallelism().ok());
        let threads = threads.map_or(1, NonZeroUsize::get).min(queue.len());
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(work);
            }
        });
        waiting.into_inner().unwrap_or_else(PoisonError::into_inner).finish()
    }

    /// Reads a layer, unless the cache has what is wanted of it; then it is put there.
    fn cached(
        &self,
        layer: &Layer,
        selection: &Selection<'_>,
        kept: &KeptBudget,
    ) -> Result<LayerFiles, Error> {
        let (Some(cache), Selection::Interest(interest)) = (&self.cache, selection) else {
            return self.read(layer, selection, kept);
        };
        let Some(wanted) = interest.id() else { return self.read(layer, selection, kept) };
        let key = Key::of(layer, wanted, &self.limits);
        let found = cache.get(&key).unwrap_or_else(|error| unused(&error));
        let files = found.and_then(|found| LayerFiles::decode(&found, interest.condensers(), kept));
        if let Some(files) = files {
            self.done.bytes(layer.size);
            return Ok(files);
        }
        let files = self.read(layer, selection, kept)?;
        if let Some(encoded) = files.encode() {
            cache.put(&key, &encoded).unwrap_or_else(|error| unused(&error));
        }
        Ok(files)
    }

    fn read(
        &self,
        layer: &Layer,
        selection: &Selection<'_>,
        kept: &KeptBudget,
    ) -> Result<LayerFiles, Error> {
        let descriptor = Descriptor {
            media_type: layer.media_type.clone(),
            digest: layer.digest,
            size: layer.size,
            platform: None,
            artifact_type: None,
            annotations: BTreeMap::new(),
        };
        let blob: Box<dyn Read + Send> = match &self.source {
            // The layer's reader hashes what it reads: once is enough.
            Source::Registry(registry) => {
                let stream = self.runtime.block_on(registry.unverified_blob(&descriptor))?;
                Box::new(Streamed { runtime: self.runtime.clone(), stream, chunk: Bytes::new() })
            }
            Source::Layout(layout) => Box::new(layout.blob_reader(&descriptor)?),
            Source::OciArchive(archive) => Box::new(archive.blob_reader(&descriptor)?),
            Source::DockerArchive(archive) => Box::new(archive.blob_reader(&descriptor)?),
            Source::DockerDaemon(daemon) => Box::new(daemon.archive().blob_reader(&descriptor)?),
        };
        let reading =
            Reading { limits: &self.limits, kept, progress: &self.done, given_up: &self.given_up };
        read_layer(blob, layer, selection, &reading)
    }
}

/// A cache that cannot be used costs time, and nothing else.
fn unused<T: Default>(error: &CacheError) -> T {
    tracing::warn!(error = %error, source = ?std::error::Error::source(error), "a layer is read without the cache");
    T::default()
}

impl fmt::Debug for ReadOptions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limits, cache, threads, .. } = self;
        out.debug_struct("ReadOptions")
            .field("limits", limits)
            .field("cache", cache)
            .field("threads", threads)
            .finish_non_exhaustive()
    }
}

fn layer_index(at: usize) -> LayerIndex {
    LayerIndex(u32::try_from(at).unwrap_or(u32::MAX))
}

/// What was read of the files of one layer.
fn contents(at: usize, files: &LayerFiles) -> Vec<((LayerIndex, u32), Content)> {
    let read = (0..).zip(files.entries()).filter_map(|(ordinal, entry)| {
        let LayerEntryKind::File(content) = entry.kind else { return None };
        let is_answer = !matches!(content, Content::Unasked | Content::Hole);
        is_answer.then_some(((layer_index(at), ordinal), content))
    });
    read.collect()
}

/// Layers that were read, and wait for those below them.
struct Waiting<'a, F> {
    /// Those that were not handed on yet, lowest first.
    order: VecDeque<(usize, &'a Layer)>,
    read: BTreeMap<usize, Result<LayerFiles, Error>>,
    /// The first error of those that were.
    result: Result<(), Error>,
    take: F,
}

impl<F: FnMut(usize, &Layer, LayerFiles) -> Result<(), Error>> Waiting<'_, F> {
    fn add(&mut self, at: usize, read: Result<LayerFiles, Error>) {
        self.read.insert(at, read);
        while let Some((at, layer)) = self.order.front()
            && self.result.is_ok()
            && let Some(read) = self.read.remove(at)
        {
            self.result = read.and_then(|files| (self.take)(*at, layer, files));
            self.order.pop_front();
        }
    }

    /// Where no error came first: the lowest of those whose layers were never handed on.
    fn finish(self) -> Result<(), Error> {
        self.result?;
        self.read.into_values().try_for_each(|read| read.map(drop))
    }
}

/// A stream, read from a thread that may wait.
struct Streamed {
    runtime: Handle,
    stream: ByteStream,
    chunk: Bytes,
}

impl Read for Streamed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self.runtime.block_on(self.stream.next()) {
                Some(Ok(chunk)) => self.chunk = chunk,
                Some(Err(error)) => return Err(io::Error::other(error)),
                None => return Ok(0),
            }
        }
        let count = self.chunk.len().min(into.len());
        if let Some(into) = into.get_mut(..count) {
            self.chunk.copy_to_slice(into);
        }
        Ok(count)
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;
