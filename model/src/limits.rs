//! How much of a hostile input is read before it is refused.

/// One limit for each dimension of what comes from outside. Sizes in bytes.
#[derive(Debug, Clone)]
pub struct Limits {
    /// A manifest, an index or an image configuration (4 MiB, as registries have it).
    pub manifest: u64,
    /// A layer as stored (16 GiB).
    pub layer_compressed: u64,
    /// A layer inflated (32 GiB).
    pub layer_inflated: u64,
    /// How many times larger a layer may become when it is inflated (1,000), above a floor of 64 MiB.
    pub layer_ratio: u64,
    /// Layers of one image (512).
    pub layers: usize,
    /// Entries of one layer (4,000,000).
    pub layer_entries: u64,
    /// A path inside an image (4,096).
    pub path: usize,
    /// Everything that is kept of one image in memory (1 GiB).
    pub kept: u64,
    /// One file that a cataloger reads (256 MiB).
    pub file: u64,
    /// A lock file or the metadata of one package, which a cataloger parses as a whole (32 MiB).
    pub package_metadata: u64,
    /// Components of one subject, and what could not be told of it (1,000,000).
    pub components: usize,
    /// Relations between the components of one subject (5,000,000).
    pub relations: usize,
    /// How deep archives in archives are followed (8).
    pub archive_depth: usize,
    /// Everything inflated out of one archive with what is in it (1 GiB).
    pub archive_inflated: u64,
    /// Entries of one archive (200,000).
    pub archive_entries: usize,
    /// Symbolic links followed to reach one file (40, as Linux has it).
    pub links: usize,
    /// Children of one index (1,000) and referrers of one manifest (1,000).
    pub children: usize,
    /// How many of the referrers are fetched (200).
    pub referrers_fetched: usize,
    /// A bundle, an envelope or a predicate (64 MiB).
    pub evidence: u64,
    /// One advisory record (8 MiB).
    pub advisory: u64,
    /// A policy file, a lock or another file of the user's (4 MiB).
    pub user_file: u64,
    /// An SBOM that is read (512 MiB).
    pub sbom: u64,
    /// Components of an SBOM that is read (1,000,000).
    pub sbom_components: usize,
}

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

impl Limits {
    /// The limits for work on images of any honest size.
    pub const STANDARD: Self = Self {
        manifest: 4 * MIB,
        layer_compressed: 16 * GIB,
        layer_inflated: 32 * GIB,
        layer_ratio: 1_000,
        layers: 512,
        layer_entries: 4_000_000,
        path: 4_096,
        kept: GIB,
        file: 256 * MIB,
        package_metadata: 32 * MIB,
        components: 1_000_000,
        relations: 5_000_000,
        archive_depth: 8,
        archive_inflated: GIB,
        archive_entries: 200_000,
        links: 40,
        children: 1_000,
        referrers_fetched: 200,
        evidence: 64 * MIB,
        advisory: 8 * MIB,
        user_file: 4 * MIB,
        sbom: 512 * MIB,
        sbom_components: 1_000_000,
    };
}
