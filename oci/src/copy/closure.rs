//! All that belongs to an image: its manifests, and what refers to any of them, recursively.

use crate::{
    error::Error,
    manifest::{Content, Manifest},
    source::Source,
};
use plimsoll_model::{Digest, Limits, reference::Tag};
use std::collections::{BTreeSet, VecDeque};

/// What tools of old append to the fallback tag to keep signatures, attestations and SBOMs beside an image.
const LEGACY: [&str; 3] = ["sig", "att", "sbom"];

/// One manifest to be copied.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) manifest: Manifest,
    pub(super) role: Role,
}

/// Why it belongs to the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Role {
    /// It is the image, or an index names it.
    Part,
    /// It is about another member.
    Referrer {
        /// The other member.
        subject: Digest,
    },
    /// A tag made of another member's digest stands for it.
    Legacy {
        /// The tag.
        tag: Tag,
    },
}

/// Everything that belongs to `subject`, in an order in which it can be written: the parts of an index before the
/// index, and a referrer after what it is about.
pub(super) async fn of(
    source: &Source,
    subject: &Digest,
    limits: &Limits,
) -> Result<Vec<Member>, Error> {
    let mut walk = Walk { source, limits, seen: BTreeSet::new(), members: Vec::new() };
    let mut roots = VecDeque::from([(source.manifest(subject).await?, Role::Part)]);
    while let Some((root, role)) = roots.pop_front() {
        for digest in walk.tree(root, role).await? {
            for referrer in source.referrer_manifests(&digest).await? {
                roots.push_back((referrer, Role::Referrer { subject: digest }));
            }
            roots.extend(legacy(source, &digest).await?);
        }
        // Bounded here too: the queue is filled by whoever may push to the source.
        walk.check(roots.len())?;
    }
    Ok(walk.members)
}

async fn legacy(source: &Source, digest: &Digest) -> Result<Vec<(Manifest, Role)>, Error> {
    let mut found = Vec::new();
    for kind in LEGACY {
        let Ok(tag) = format!("sha256-{}.{kind}", digest.hex()).parse::<Tag>() else { continue };
        if let Some(manifest) = source.tagged(&tag).await? {
            found.push((manifest, Role::Legacy { tag }));
        }
    }
    Ok(found)
}

struct Walk<'a> {
    source: &'a Source,
    limits: &'a Limits,
    seen: BTreeSet<Digest>,
    members: Vec<Member>,
}

/// A manifest on the stack of a walk: to be looked into, or with everything below it done.
enum Visit {
    Enter(Box<Manifest>, Role),
    Leave(Box<Member>),
}

impl Walk<'_> {
    /// Adds the tree below `root`, leaves first. What was not seen before comes back: a legacy tag can stand for
    /// what is a member already, and has to be copied all the same, but leads nowhere new.
    async fn tree(&mut self, root: Manifest, role: Role) -> Result<Vec<Digest>, Error> {
        let mut fresh = Vec::new();
        let mut stack = vec![Visit::Enter(Box::new(root), role)];
        while let Some(visit) = stack.pop() {
            match visit {
                Visit::Leave(member) => self.members.push(*member),
                Visit::Enter(manifest, role) => {
                    let digest = manifest.descriptor.digest;
                    if self.seen.insert(digest) {
                        fresh.push(digest);
                        self.check(stack.len())?;
                        let children = self.children(&manifest).await?;
                        stack.push(Visit::Leave(Box::new(Member { manifest: *manifest, role })));
                        let below = children.into_iter().rev();
                        stack.extend(below.map(|child| Visit::Enter(Box::new(child), Role::Part)));
                    } else if matches!(role, Role::Legacy { .. }) {
                        self.members.push(Member { manifest: *manifest, role });
                    }
                }
            }
        }
        Ok(fresh)
    }

    async fn children(&self, manifest: &Manifest) -> Result<Vec<Manifest>, Error> {
        let Content::Index(index) = &manifest.content else { return Ok(Vec::new()) };
        let mut children = Vec::new();
        for child in &index.manifests {
            if !self.seen.contains(&child.digest) {
                children.push(self.source.manifest(&child.digest).await?);
            }
        }
        Ok(children)
    }

    fn check(&self, waiting: usize) -> Result<(), Error> {
        let limit = self.limits.children;
        if self.seen.len().saturating_add(waiting) > limit {
            let from = self.source.place().to_string();
            return Err(Error::TooMany { from, what: "manifests that belong to the image", limit });
        }
        Ok(())
    }
}
