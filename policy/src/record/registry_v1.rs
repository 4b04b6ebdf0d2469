//! What the probes of a registry came to. Credentials are told by their kind alone, so there is nothing of them to be left out.

use super::{
    paired,
    text::{AsText, shown},
};
use plimsoll_model::{
    Digest,
    reference::Repository,
    registry::{
        Connection, CredentialKind, Door, Grant, Grants, LeftKind, Leftover, Lie, OldTls,
        PlainAnswer, ReferrersApi, RegistryFacts, TagMoves, Told,
    },
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RegistryJson {
    repository: AsText<Repository>,
    connection: ConnectionJson,
    plain_http: ToldJson<Vec<PlainAnswerJson>>,
    old_tls: ToldJson<OldTlsJson>,
    pull: ToldJson<DoorJson>,
    push: ToldJson<DoorJson>,
    delete: ToldJson<DoorJson>,
    catalog: ToldJson<DoorJson>,
    tag_moves: ToldJson<TagMovesJson>,
    referrers: ToldJson<ReferrersJson>,
    lies: ToldJson<Vec<LieJson>>,
    gone: ToldJson<Vec<Digest>>,
    credential: CredentialJson,
    grants: ToldJson<GrantsJson>,
    own_push: ToldJson<DoorJson>,
    leftovers: Vec<LeftoverJson>,
}

/// What one question came to.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state", deny_unknown_fields)]
enum ToldJson<T> {
    Told { value: T },
    CouldNotTell { reason: String },
    NoConsent {},
}

impl<T> ToldJson<T> {
    fn of<M>(told: &Told<M>, of: impl FnOnce(&M) -> T) -> Self {
        match told {
            Told::Is(value) => Self::Told { value: of(value) },
            Told::Untold(why) => Self::CouldNotTell { reason: shown(why) },
            Told::NoConsent => Self::NoConsent {},
        }
    }

    fn read<M>(self, read: impl FnOnce(T) -> M) -> Told<M> {
        match self {
            Self::Told { value } => Told::Is(read(value)),
            Self::CouldNotTell { reason } => Told::Untold(reason),
            Self::NoConsent {} => Told::NoConsent,
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "by", deny_unknown_fields)]
enum ConnectionJson {
    Tls {},
    Loopback {},
    PlainHttp {},
    Refused { reason: String },
}

impl ConnectionJson {
    fn of(connection: &Connection) -> Self {
        match connection {
            Connection::Secure => Self::Tls {},
            Connection::Loopback => Self::Loopback {},
            Connection::Plain => Self::PlainHttp {},
            Connection::Refused(why) => Self::Refused { reason: shown(why) },
        }
    }

    fn read(self) -> Connection {
        match self {
            Self::Tls {} => Connection::Secure,
            Self::Loopback {} => Connection::Loopback,
            Self::PlainHttp {} => Connection::Plain,
            Self::Refused { reason } => Connection::Refused(reason),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlainAnswerJson {
    address: String,
    status: u16,
}

impl PlainAnswerJson {
    fn of(answer: &PlainAnswer) -> Self {
        Self { address: shown(&answer.address), status: answer.status }
    }

    fn read(self) -> PlainAnswer {
        PlainAnswer { address: self.address, status: self.status }
    }
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum OldTlsJson {
    Spoken,
    Declined,
}
paired!(OldTlsJson, OldTls, Spoken, Declined);

/// Whether it is open, and by which status.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DoorJson {
    open: bool,
    status: u16,
}

impl DoorJson {
    const fn of(door: Door) -> Self {
        match door {
            Door::Open(status) => Self { open: true, status },
            Door::Shut(status) => Self { open: false, status },
        }
    }

    const fn read(self) -> Door {
        if self.open { Door::Open(self.status) } else { Door::Shut(self.status) }
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TagMovesJson {
    moves: bool,
    /// The tag that was tried.
    tag: String,
}

impl TagMovesJson {
    fn of(moves: &TagMoves) -> Self {
        match moves {
            TagMoves::Yes(tag) => Self { moves: true, tag: shown(tag) },
            TagMoves::No(tag) => Self { moves: false, tag: shown(tag) },
        }
    }

    fn read(self) -> TagMoves {
        if self.moves { TagMoves::Yes(self.tag) } else { TagMoves::No(self.tag) }
    }
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ReferrersJson {
    Present,
    Absent,
}
paired!(ReferrersJson, ReferrersApi, Present, Absent);

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LieJson {
    asked: String,
    found: String,
    expected: String,
}

impl LieJson {
    fn of(lie: &Lie) -> Self {
        let Lie { asked, found, expected } = lie;
        Self { asked: shown(asked), found: shown(found), expected: shown(expected) }
    }

    fn read(self) -> Lie {
        Lie { asked: self.asked, found: self.found, expected: self.expected }
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
enum CredentialJson {
    None {},
    Helper { name: String },
    Password {},
    ShortLived { by: String },
    Token {},
}

impl CredentialJson {
    fn of(kind: &CredentialKind) -> Self {
        match kind {
            CredentialKind::Absent => Self::None {},
            CredentialKind::Helper(name) => Self::Helper { name: shown(name) },
            CredentialKind::Static => Self::Password {},
            CredentialKind::ShortLived(by) => Self::ShortLived { by: shown(by) },
            CredentialKind::Token => Self::Token {},
        }
    }

    fn read(self) -> CredentialKind {
        match self {
            Self::None {} => CredentialKind::Absent,
            Self::Helper { name } => CredentialKind::Helper(name),
            Self::Password {} => CredentialKind::Static,
            Self::ShortLived { by } => CredentialKind::ShortLived(by),
            Self::Token {} => CredentialKind::Token,
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct GrantsJson {
    for_pull: Vec<GrantJson>,
    for_push: Vec<GrantJson>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantJson {
    kind: String,
    name: String,
    actions: Vec<String>,
}

impl GrantsJson {
    fn of(grants: &Grants) -> Self {
        let all = |grants: &[Grant]| grants.iter().map(GrantJson::of).collect();
        Self { for_pull: all(&grants.for_pull), for_push: all(&grants.for_push) }
    }

    fn read(self) -> Grants {
        let all = |grants: Vec<GrantJson>| grants.into_iter().map(GrantJson::read).collect();
        Grants { for_pull: all(self.for_pull), for_push: all(self.for_push) }
    }
}

impl GrantJson {
    fn of(grant: &Grant) -> Self {
        let actions = grant.actions.iter().map(|action| shown(action)).collect();
        Self { kind: shown(&grant.kind), name: shown(&grant.name), actions }
    }

    fn read(self) -> Grant {
        Grant { kind: self.kind, name: self.name, actions: self.actions }
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LeftoverJson {
    kind: LeftKindJson,
    what: String,
    why: String,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum LeftKindJson {
    Upload,
    Tag,
    Manifests,
}
paired!(LeftKindJson, LeftKind, Upload, Tag, Manifests);

impl LeftoverJson {
    fn of(left: &Leftover) -> Self {
        Self { kind: left.kind.into(), what: shown(&left.what), why: shown(&left.why) }
    }

    fn read(self) -> Leftover {
        Leftover { kind: self.kind.into(), what: self.what, why: self.why }
    }
}

fn all<M, T>(of: impl Fn(&M) -> T) -> impl FnOnce(&Vec<M>) -> Vec<T> {
    move |all| all.iter().map(of).collect()
}

fn read_all<M, T>(read: impl Fn(T) -> M) -> impl FnOnce(Vec<T>) -> Vec<M> {
    move |all| all.into_iter().map(read).collect()
}

impl RegistryJson {
    pub(super) fn of(facts: &RegistryFacts) -> Self {
        let door = |told: &Told<Door>| ToldJson::of(told, |it| DoorJson::of(*it));
        Self {
            repository: AsText(facts.repository.clone()),
            connection: ConnectionJson::of(&facts.connection),
            plain_http: ToldJson::of(&facts.plain_http, all(PlainAnswerJson::of)),
            old_tls: ToldJson::of(&facts.old_tls, |it| (*it).into()),
            pull: door(&facts.pull),
            push: door(&facts.push),
            delete: door(&facts.delete),
            catalog: door(&facts.catalog),
            tag_moves: ToldJson::of(&facts.tag_moves, TagMovesJson::of),
            referrers: ToldJson::of(&facts.referrers, |it| (*it).into()),
            lies: ToldJson::of(&facts.lies, all(LieJson::of)),
            gone: ToldJson::of(&facts.gone, Clone::clone),
            credential: CredentialJson::of(&facts.credential),
            grants: ToldJson::of(&facts.grants, GrantsJson::of),
            own_push: door(&facts.own_push),
            leftovers: facts.leftovers.iter().map(LeftoverJson::of).collect(),
        }
    }

    pub(super) fn read(self) -> RegistryFacts {
        let door = |told: ToldJson<DoorJson>| told.read(DoorJson::read);
        RegistryFacts {
            repository: self.repository.0,
            connection: self.connection.read(),
            plain_http: self.plain_http.read(read_all(PlainAnswerJson::read)),
            old_tls: self.old_tls.read(Into::into),
            pull: door(self.pull),
            push: door(self.push),
            delete: door(self.delete),
            catalog: door(self.catalog),
            tag_moves: self.tag_moves.read(TagMovesJson::read),
            referrers: self.referrers.read(Into::into),
            lies: self.lies.read(read_all(LieJson::read)),
            gone: self.gone.read(|gone| gone),
            credential: self.credential.read(),
            grants: self.grants.read(GrantsJson::read),
            own_push: door(self.own_push),
            leftovers: self.leftovers.into_iter().map(LeftoverJson::read).collect(),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{
        decide,
        record::{self, Recorded},
        rules::testing::{Case, digest, now},
    };

    /// A registry that lets everybody do everything.
    pub(in super::super) fn open() -> RegistryFacts {
        let grant = |actions: &[&str]| Grant {
            kind: "repository".to_owned(),
            name: "prod/app".to_owned(),
            actions: actions.iter().map(|action| (*action).to_owned()).collect(),
        };
        RegistryFacts {
            repository: "registry.corp/prod/app".parse().unwrap(),
            connection: Connection::Plain,
            plain_http: Told::Is(vec![PlainAnswer {
                address: "http://x:80".to_owned(),
                status: 200,
            }]),
            old_tls: Told::Is(OldTls::Spoken),
            pull: Told::Is(Door::Open(200)),
            push: Told::Is(Door::Open(202)),
            delete: Told::Is(Door::Open(404)),
            catalog: Told::Is(Door::Open(200)),
            tag_moves: Told::Is(TagMoves::Yes("plimsoll-audit-1".to_owned())),
            referrers: Told::Is(ReferrersApi::Absent),
            lies: Told::Is(vec![Lie {
                asked: "GET manifests/1.4".to_owned(),
                found: "sha256:1".to_owned(),
                expected: "sha256:2".to_owned(),
            }]),
            gone: Told::Is(vec![digest("gone")]),
            credential: CredentialKind::Static,
            grants: Told::Is(Grants {
                for_pull: vec![grant(&["pull", "push"])],
                for_push: vec![grant(&["*"])],
            }),
            own_push: Told::Is(Door::Open(202)),
            leftovers: vec![Leftover {
                kind: LeftKind::Tag,
                what: "tag `plimsoll-audit-1`".to_owned(),
                why: "405".to_owned(),
            }],
        }
    }

    /// A registry of which nothing is known.
    fn untold() -> RegistryFacts {
        fn untold<T>() -> Told<T> {
            Told::Untold("the registry answered 503".to_owned())
        }
        RegistryFacts {
            connection: Connection::Refused("no route".to_owned()),
            plain_http: untold(),
            old_tls: untold(),
            pull: untold(),
            push: Told::NoConsent,
            delete: Told::NoConsent,
            catalog: untold(),
            tag_moves: Told::NoConsent,
            referrers: untold(),
            lies: untold(),
            gone: untold(),
            credential: CredentialKind::ShortLived("AWS".to_owned()),
            grants: untold(),
            own_push: Told::NoConsent,
            leftovers: Vec::new(),
            ..open()
        }
    }

    /// One that shuts everybody out.
    fn shut() -> RegistryFacts {
        let door = || Told::Is(Door::Shut(401));
        RegistryFacts {
            connection: Connection::Secure,
            plain_http: Told::Is(Vec::new()),
            old_tls: Told::Is(OldTls::Declined),
            pull: door(),
            push: door(),
            delete: door(),
            catalog: door(),
            tag_moves: Told::Is(TagMoves::No("plimsoll-audit-1".to_owned())),
            referrers: Told::Is(ReferrersApi::Present),
            lies: Told::Is(Vec::new()),
            gone: Told::Is(Vec::new()),
            credential: CredentialKind::Helper("corp".to_owned()),
            grants: Told::NoConsent,
            own_push: door(),
            leftovers: Vec::new(),
            ..open()
        }
    }

    #[test]
    fn what_was_written_is_read_back() {
        let loopback = RegistryFacts {
            connection: Connection::Loopback,
            credential: CredentialKind::Absent,
            ..shut()
        };
        let token = RegistryFacts { credential: CredentialKind::Token, ..open() };
        for facts in [open(), untold(), shut(), loopback, token] {
            let json = serde_json::to_string(&RegistryJson::of(&facts)).unwrap();
            let read: RegistryJson = serde_json::from_str(&json).unwrap();
            assert_eq!(read.read(), facts, "{json}");
        }
    }

    #[test]
    fn a_registry_is_judged_from_a_record_as_it_was() {
        let policy = crate::Policy::parse("version: 1\nrules: {\"REG-*\": deny}", "p.yaml".into());
        let policy = policy.unwrap();
        for (facts, expect) in [(open(), 10), (untold(), 8), (shut(), 0)] {
            let case = Case::default().registry(facts);
            let live = case.decide_by(&policy);
            let json = case.with_facts(|facts| serde_json::to_vec(&record::document(facts, now())));
            let recorded = Recorded::read(&json.unwrap(), "f.json".into()).unwrap();
            let found = decide(&policy, &recorded.facts(), now());
            assert_eq!(format!("{:?}", found.findings()), format!("{:?}", live.findings()));
            assert!(live.findings().len() >= expect, "{:#?}", live.findings());
            assert!(recorded.not_judged(&policy).is_empty());
        }
    }
}
