//! The stages in their order: what `run` and `promote` have in common.

use crate::{
    args::{JudgingArguments, SubjectArguments},
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    report::{self, Report},
    stages::{
        advise::{self, Advised},
        attest::{self, Attachment, Attested, Findings},
        decide::{self, Build, Case},
        dependencies, flags, index,
        inventory::{self, Cataloged},
        keys::{self, Signers},
        promote::{self, Order, Promoted},
        record::{self, Outcomes},
        resolve::{self, Resolved},
        since, trust,
        verify::{self, Verified},
        vex,
    },
};
use camino::Utf8Path;
use plimsoll_attest::{
    Trust,
    signers::Signer,
    source::{self, SourceFacts},
};
use plimsoll_ledger::record::RecordedPending;
use plimsoll_model::{Reference, scan::Scan};
use plimsoll_policy::{
    Decision, EvidenceKind, Flags, Policy, Since, Verdict,
    vex::{Image, VexFacts},
};
use std::{collections::BTreeMap, sync::Arc};

/// What is to be done with one image.
#[derive(Debug)]
pub(crate) struct Pipeline<'a> {
    /// The command, for reports and ledger.
    pub command: &'static str,
    /// The image.
    pub subject: &'a SubjectArguments,
    /// Where it goes when it passes.
    pub destination: Option<&'a Reference>,
    /// Whether statements are signed on the way.
    pub statements: Statements<'a>,
    /// What it is judged by, and where what came of it goes.
    pub judging: &'a JudgingArguments,
}

/// Whether statements about the image are made.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Statements<'a> {
    /// Sign them, and attach them to the image; its source is in this directory.
    Made(&'a Utf8Path),
    /// Only what is there already counts; the source is in this directory, where that is known.
    Found(Option<&'a Utf8Path>),
}

/// What an image is judged by.
#[derive(Debug)]
struct Facts {
    resolved: Resolved,
    cataloged: Cataloged,
    scan: Arc<Scan>,
    advised: Advised,
    since: Option<Since>,
    flags: Flags,
    build: Build,
    bases: Option<plimsoll_policy::bases::Lock>,
    vex: Option<VexFacts>,
    policy: Policy,
}

impl Facts {
    fn case(&self) -> Case<'_> {
        Case {
            policy: &self.policy,
            image: Some(self.resolved.image()),
            users: Some(self.cataloged.users()),
            secrets: self.cataloged.secrets(),
            files: Some(self.cataloged.files()),
            inventory: Some(self.cataloged.inventory()),
            scan: Some(&self.scan),
            vex: self.vex.as_ref(),
            since: self.since.as_ref(),
            flags: Some(&self.flags),
            build: &self.build,
            bases: self.bases.as_ref(),
        }
    }
}

/// What came of stating.
#[derive(Debug, Default)]
struct Stated {
    /// The source that was built.
    source: Option<SourceFacts>,
    /// Statements that could not be attached, to be carried along.
    carried: Vec<Attested>,
    /// What is signed for the time being alone.
    pending: Vec<RecordedPending>,
    /// What could not be done about them, and why.
    failed: Option<(&'static str, Error)>,
}

impl Stated {
    /// Why kinds of evidence are pending.
    fn pending(&self) -> BTreeMap<EvidenceKind, String> {
        let pending = self.pending.iter();
        let of = |one: &RecordedPending| {
            Some((EvidenceKind::of(&one.predicate_type)?, one.reason.clone()))
        };
        pending.filter_map(of).collect()
    }
}

/// Who signs, and who is believed.
#[derive(Debug)]
struct Keys {
    signers: Signers,
    believed: Trust,
}

impl Pipeline<'_> {
    /// Takes the image through all the stages.
    pub(crate) async fn run(&self, ctx: &Context) -> Result<&'static ExitStatus, Error> {
        let outage = match self.statements {
            Statements::Made(_) => keys::outage_signer(ctx, &self.judging.signing)?,
            Statements::Found(_) => None,
        };
        let keyless =
            keys::keyless_signer(ctx, &self.judging.signing, &self.judging.trust.root).await?;
        let facts = self.gather(ctx).await?;
        let signer = match keyless {
            Some(signer) => signer,
            None => Signer::Key(keys::signer(ctx, &self.judging.signing.key)?),
        };
        let signers = Signers { signer, outage };
        // What is wrong with whom the policy believes is said before anything is signed.
        let believe = |own| trust::of_policy(ctx, &facts.policy, &self.judging.trust, own);
        let mut believed = believe(trust::own(&signers.signer).await)?;
        let mut stated = match self.state(ctx, &facts, &signers).await {
            Ok(stated) => stated,
            Err(error) => {
                // What is wrong with the image itself is so without any statement.
                let verdict = facts.case().decide(ctx, None).verdict();
                return exit::settle(&ctx.ui, exit::of_verdict(verdict), Err(error));
            }
        };
        if facts.policy.evidence().signers.is_empty() {
            // Whoever signs without a key is known by now.
            believed = believe(trust::own(&signers.signer).await)?;
        }
        let keys = Keys { signers, believed };
        let verified = look(ctx, &facts.resolved, &stated.carried, &keys.believed).await;
        let decision = facts.case().decide_pending(ctx, verified.presence(), stated.pending());
        let promotion = match stated.failed.take() {
            Some((what, error)) if decision.verdict() == Verdict::Pass => {
                Err(error.after_pass(what))
            }
            Some((_, error)) => Err(error),
            None => {
                let found = (&decision, &verified);
                self.promote(ctx, &facts, found, (&keys, &stated.carried)).await
            }
        };
        self.close(ctx, (&facts, &stated), (&decision, &verified), promotion)
    }

    /// Resolve, inventory, scan. What is wrong with the command line or the policy is said before any work is done.
    async fn gather(&self, ctx: &Context) -> Result<Facts, Error> {
        let policy = self.judging.gate.apply(ctx.policy()?);
        let (policy, vex) = vex::read(policy, &self.judging.vex)?;
        let bases = decide::bases(ctx, &policy)?;
        let mut build = Build::read(ctx, &self.judging.build)?;
        if let Statements::Made(directory) | Statements::Found(Some(directory)) = self.statements {
            build.lock_files = dependencies::of_source(ctx, directory)?;
        }
        if let Some(destination) = self.destination {
            promote::destination_tag(&policy, &self.subject.subject, destination)?;
        }
        let index = index::open(ctx, &self.judging.index).await?;
        let resolved = resolve::resolve(ctx, self.subject).await?;
        let cataloged = inventory::catalog_to_judge(ctx, &resolved).await?;
        let scan = index::scan(ctx, cataloged.inventory(), &index).await?;
        let scan = Arc::new(decide::attributed(scan, cataloged.inventory(), bases.as_ref()));
        let vex = vex.about(Some(Image::of(resolved.image())));
        let known = (bases.as_ref(), Some(resolved.image()));
        let found = (cataloged.inventory(), &scan);
        let advised = advise::advise(ctx, found, &index, known).await?;
        let ledger = ctx.state_path(self.judging.ledger.ledger.as_deref(), "ledger.sqlite")?;
        let name = resolved.subject().place.to_string();
        let found = (cataloged.inventory().as_ref(), scan.as_ref());
        let since = since::since(ctx, &policy, (&ledger, &name), found, &index).await?;
        let flags = flags::flags(&ledger, resolved.image());
        Ok(Facts { resolved, cataloged, scan, advised, since, flags, build, bases, vex, policy })
    }

    /// Reads the source, and signs and attaches the statements.
    async fn state(
        &self,
        ctx: &Context,
        facts: &Facts,
        signers: &Signers,
    ) -> Result<Stated, Error> {
        let Statements::Made(directory) = self.statements else { return Ok(Stated::default()) };
        let source = source::read(directory)?;
        let mut went_in = dependencies::of_build(&facts.case());
        went_in.extend(facts.build.lock_files.iter().cloned());
        let findings = Findings {
            resolved: &facts.resolved,
            cataloged: &facts.cataloged,
            scan: Some(&facts.scan),
            tests: None,
            source: source.as_ref(),
            dependencies: went_in,
        };
        let made = attest::attest(ctx, &findings, &attest::STATED, signers).await?;
        let pending = record::pending(&made);
        let (attested, outage) = made.into_parts();
        let outage = outage.map(|error| ("sign the statements", error));
        let (carried, failed) = match attest::attach(ctx, &facts.resolved, &attested).await {
            Ok(Attachment::Attached) => (Vec::new(), outage),
            Ok(Attachment::KeptInMemory) => {
                ctx.ui.note("evidence can not be attached inside an archive: it goes with a promotion alone");
                (attested, outage)
            }
            Err(error) => (attested, Some(("attach the evidence", error))),
        };
        Ok(Stated { source, carried, pending, failed })
    }

    /// Promotes where a destination was named and the decision gives clearance.
    async fn promote(
        &self,
        ctx: &Context,
        facts: &Facts,
        (decision, verified): (&Decision, &Verified),
        (keys, carried): (&Keys, &[Attested]),
    ) -> Result<Option<Promoted>, Error> {
        let Some(destination) = self.destination else { return Ok(None) };
        let Some(clearance) = decision.clearance(facts.resolved.subject()) else {
            ctx.ui.note(&format!("not promoted to {destination}"));
            return Ok(None);
        };
        if let Some(kinds) = verified.pending() {
            return Err(Error::StillPending { kinds }.after_pass("promote the image"));
        }
        let order = Order {
            resolved: &facts.resolved,
            destination,
            case: &facts.case(),
            carried,
            trust: &keys.believed,
            signer: &keys.signers.signer,
        };
        Box::pin(promote::promote(ctx, &clearance, &order))
            .await
            .map(Some)
            .map_err(|error| error.after_pass("promote the image"))
    }

    /// Records the run and writes the reports, whatever it came to; only then the command fails or passes.
    fn close(
        &self,
        ctx: &Context,
        (facts, stated): (&Facts, &Stated),
        (decision, verified): (&Decision, &Verified),
        promotion: Result<Option<Promoted>, Error>,
    ) -> Result<&'static ExitStatus, Error> {
        let case = facts.case();
        let outcomes = Outcomes {
            command: self.command,
            resolved: &facts.resolved,
            cataloged: &facts.cataloged,
            case: &case,
            decision,
            verified,
            source: stated.source.as_ref(),
            pending: &stated.pending,
            promoted: promotion.as_ref().ok().and_then(Option::as_ref),
        };
        let record = ctx
            .state_path(self.judging.ledger.ledger.as_deref(), "ledger.sqlite")
            .and_then(|path| record::record(ctx, &path, &outcomes));
        let report = Report {
            image: Some(facts.resolved.image()),
            inventory: Some(facts.cataloged.inventory()),
            cataloged: Some(&facts.cataloged),
            scan: Some(&facts.scan),
            advised: Some(&facts.advised),
            decision: Some(decision),
            policy: Some(report::policy_name(&facts.policy)),
            base: case.base(),
            evidence: verified.explanations(),
            looked: verified.looked(),
            promoted: outcomes.promoted,
            record: record.as_ref().ok().copied(),
            next: Some(match &promotion {
                Ok(_) => self.next(decision),
                Err(_) => "but what comes after could not be done".to_owned(),
            }),
            ..Report::new(self.command, facts.resolved.subject().to_string())
        };
        let facts_out = self.judging.facts.facts_out.as_deref();
        let written =
            report::write(ctx, &report, &self.judging.output.output, self.judging.output.show)
                .and_then(|()| case.write_facts(ctx, Some(verified.presence()), facts_out));
        status(ctx, decision.verdict(), (promotion.err(), record.err()), written)
    }

    fn next(&self, decision: &Decision) -> String {
        match (decision.verdict(), self.destination) {
            (Verdict::Pass, Some(destination)) => {
                format!("verify it with `plimsoll verify {destination}`")
            }
            (Verdict::Pass, None) => "promote it with `--promote-to REF`".to_owned(),
            (Verdict::Blocked, _) => "mend what blocks, rebuild, and run again".to_owned(),
            (Verdict::Undecided, _) => {
                "make known what could not be told, or accept it in the policy, and run again"
                    .to_owned()
            }
        }
    }
}

async fn look(ctx: &Context, resolved: &Resolved, carried: &[Attested], trust: &Trust) -> Verified {
    let stage = ctx.ui.stage("verify");
    let digest = resolved.subject().digest;
    let candidates = verify::fetch(ctx, resolved.source(), &digest)
        .await
        .and(carried.iter().map(Attested::candidate));
    let verified = verify::verify(
        ctx,
        &candidates,
        (digest, &resolved.subject().place.to_string()),
        trust,
        &verify::all_kinds(),
    );
    let good =
        verified.explanations().iter().filter(|candidate| candidate.evidence.is_some()).count();
    stage.done(&format!("{good} of {} statements verified", verified.explanations().len()));
    verified
}

/// The status of the decision, unless something failed after a pass. What does not pass stays so, whatever fails besides.
fn status(
    ctx: &Context,
    verdict: Verdict,
    (action, record): (Option<Error>, Option<Error>),
    written: Result<(), Error>,
) -> Result<&'static ExitStatus, Error> {
    let settle = |done| exit::settle(&ctx.ui, exit::of_verdict(verdict), done);
    let answer = match (verdict, action, record) {
        (Verdict::Pass, Some(error), _) => Err(error),
        (Verdict::Pass, None, Some(error)) => Err(error.after_pass("record the build")),
        (Verdict::Blocked | Verdict::Undecided, Some(error), _) | (_, None, Some(error)) => {
            settle(Err(error))
        }
        (_, None, None) => settle(Ok(())),
    };
    match (answer, written) {
        (Ok(_), written) => settle(written),
        (failed, Ok(())) => failed,
        (failed, Err(error)) => {
            ctx.ui.error(&error);
            failed
        }
    }
}
