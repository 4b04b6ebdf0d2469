//! `plimsoll trust`.

use crate::{
    args::{TrustCommand, TufArguments},
    context::{Context, VERSION},
    env,
    error::Error,
    exit::{self, ExitStatus},
    report::{self, Output, roots},
    stages::trust::private_repository,
};
use jiff::Timestamp;
use plimsoll_attest::{
    Before, Origin, RootCache, RootRepository,
    signers::keyless::{self, Patience},
};
use plimsoll_model::{Classify as _, Printable};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The trusted roots.
pub(crate) async fn trust(
    ctx: &Context,
    command: &TrustCommand,
) -> Result<&'static ExitStatus, Error> {
    match command {
        TrustCommand::Update { tuf } => update(ctx, tuf).await,
        TrustCommand::Status { tuf, output } => status(ctx, tuf, output),
    }
}

/// Updates every root, whatever became of the others; the first that failed decides the status.
async fn update(ctx: &Context, tuf: &TufArguments) -> Result<&'static ExitStatus, Error> {
    if ctx.shared.offline {
        return Err(Error::usage(
            "trusted roots can not be fetched: --offline forbids it",
            "give one that is on this machine: `--trusted-root FILE`",
        ));
    }
    let cache = cache(ctx)?;
    let client = keyless::client(&format!("plimsoll/{VERSION}"), ctx.shared.timeout)?;
    let timeout = ctx.shared.timeout;
    let patience = Patience { budget: timeout, attempt: timeout, ..Patience::STANDARD };
    let mut status = &exit::PASSED;
    let mut text = String::new();
    for repository in repositories(ctx, tuf)? {
        let path = cache.path(&repository);
        match Box::pin(cache.update(&repository, (&client, &patience), ctx.now)).await {
            Ok((root, before)) => {
                if before == Before::Refused {
                    ctx.ui.warn(&format!("what was kept in {path} did not verify: it is replaced"));
                }
                let name = Printable(repository.name());
                let (version, expires) = (root.stamp.version, root.stamp.expires);
                // Writing to a string does not fail.
                writeln!(
                    text,
                    "{name}: version {version}, {}, holds until {expires}",
                    news(before)
                )
                .ok();
            }
            Err(error) => {
                let error = Error::from(error);
                ctx.ui.error(&error);
                if status.code == exit::PASSED.code {
                    status = exit::of_class(error.class());
                }
            }
        }
    }
    exit::settle(&ctx.ui, status, report::to_stdout(text.as_bytes()))
}

const fn news(before: Before) -> &'static str {
    match before {
        Before::Same => "unchanged",
        Before::Absent | Before::Other | Before::Refused => "new",
    }
}

fn cache(ctx: &Context) -> Result<RootCache, Error> {
    ctx.root_cache().ok_or(Error::NoHome { variable: env::XDG_CACHE_HOME.name })
}

/// That of the private instance that is named, else those of the public.
fn repositories(ctx: &Context, tuf: &TufArguments) -> Result<Vec<RootRepository>, Error> {
    Ok(match private_repository(ctx, &ctx.policy()?, tuf)? {
        Some(private) => vec![private],
        None => RootRepository::public()?.to_vec(),
    })
}

/// What is known of one root.
enum State {
    Good(Origin),
    /// A private one that was never updated.
    Absent,
    /// It is not believed.
    Refused(Error),
}

impl State {
    /// Private instances are not built in.
    fn of(cache: Option<&RootCache>, repository: &RootRepository, now: Timestamp) -> Self {
        match cache.map(|cache| cache.read(repository, now)).transpose().map(Option::flatten) {
            Ok(Some(root)) => Self::Good(Origin::Updated(root.stamp)),
            Ok(None) if repository.is_built_in() => Self::Good(Origin::BuiltIn),
            Ok(None) => Self::Absent,
            Err(error) => Self::Refused(error.into()),
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Good(origin) => roots::words(origin),
            Self::Absent => "never updated".to_owned(),
            Self::Refused(error) => format!("not believed: {}", Printable(&error.chain())),
        }
    }

    fn as_json(&self, name: &str) -> Value {
        match self {
            Self::Good(origin) => roots::instance(name, origin),
            Self::Absent => json!({"name": name, "source": "absent"}),
            Self::Refused(error) => json!({
                "name": name, "source": "refused", "reason": error.chain(),
            }),
        }
    }
}

/// Everything that verification would find, in the same state.
fn status(
    ctx: &Context,
    tuf: &TufArguments,
    output: &[Output],
) -> Result<&'static ExitStatus, Error> {
    let cache = ctx.root_cache();
    let repositories = repositories(ctx, tuf)?;
    let states = repositories.iter().map(|one| State::of(cache.as_ref(), one, ctx.now));
    let states: Vec<State> = states.collect();
    let (mut text, mut json) = (String::new(), Vec::new());
    for (repository, state) in repositories.iter().zip(&states) {
        let name = repository.name();
        // Writing to a string does not fail.
        writeln!(text, "{}: {}", Printable(name), state.words()).ok();
        json.push(state.as_json(name));
    }
    let is_good = states.iter().all(|state| matches!(state, State::Good(_)));
    let status = if is_good { &exit::PASSED } else { &exit::UNDECIDED };
    if !is_good {
        text.push_str("fetch what is missing or too old with `plimsoll trust update`\n");
    }
    let json = json!({"version": 1, "command": "trust status", "exitStatus": status.code, "instances": json});
    exit::settle(&ctx.ui, status, report::write_simple(output, &text, &json))
}
