//! The `plimsoll` binary: the only crate that composes the others, prints, and reads environment and clock.

mod args;
mod commands;
mod context;
mod env;
mod error;
mod exit;
mod files;
mod pipeline;
mod policy_file;
mod report;
mod stages;
mod ui;

use crate::{context::Context, exit::ExitStatus};
use plimsoll_model::Classify as _;
use std::{process::ExitCode, time::Duration};
use tokio::sync::oneshot;

/// The stack of the thread that drives everything: deep enough for the largest future, whatever the system's default.
const STACK: usize = 8 << 20;
/// How long a command that was told to stop may take.
const GRACE: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    install_panic_hook();
    let driver =
        std::thread::Builder::new().name("plimsoll".to_owned()).stack_size(STACK).spawn(drive);
    let status = driver.map_or(&exit::BUG, |thread| thread.join().unwrap_or(&exit::BUG));
    ExitCode::from(status.code)
}

fn drive() -> &'static ExitStatus {
    let environment = env::Environment::read();
    let arguments = match args::parse(&environment) {
        Ok(arguments) => arguments,
        Err(error) => {
            let status = if error.use_stderr() { &exit::USAGE } else { &exit::PASSED };
            // When nobody listens any more there is nothing to do about it.
            error.print().ok();
            return status;
        }
    };
    let quiet = args::Shared { quiet: true, ..arguments.shared.clone() };
    let ctx = match Context::new(arguments.shared, environment.clone()) {
        Ok(ctx) => ctx,
        Err(error) => {
            ui::Ui::new(&quiet, &environment).error(&error);
            return exit::of_class(error.class());
        }
    };
    if let Some(jobs) = ctx.shared.jobs {
        // Fails only when the pool is there already, and nothing made it yet.
        rayon::ThreadPoolBuilder::new().num_threads(jobs.get()).build_global().ok();
    }
    run(&ctx, arguments.command)
}

fn run(ctx: &Context, command: args::Command) -> &'static ExitStatus {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(source) => {
            ctx.ui.error(&error::Error::Runtime(source));
            return &exit::UNDECIDED;
        }
    };
    let status = runtime.block_on(async {
        let (stop, stopped) = oneshot::channel();
        tokio::spawn(watch(interruption(), stop));
        tokio::select! {
            outcome = Box::pin(commands::dispatch(ctx, command)) => outcome.unwrap_or_else(|error| {
                ctx.ui.error(&error);
                exit::of_class(error.class())
            }),
            Ok(status) = stopped => status,
        }
    });
    // Work that an interruption left behind must not keep the process.
    runtime.shutdown_background();
    status
}

/// Stops the command when the program is asked to stop, and the program where the command does not listen: it may be
/// busy, or wait for a file that never ends.
async fn watch(
    interruption: impl Future<Output = &'static ExitStatus>,
    stop: oneshot::Sender<&'static ExitStatus>,
) {
    let status = interruption.await;
    // Nobody is there to be told when the command has just ended.
    stop.send(status).ok();
    tokio::time::sleep(GRACE).await;
    #[expect(clippy::exit, clippy::disallowed_methods, reason = "whoever could return does not")]
    std::process::exit(i32::from(status.code));
}

/// Ends when the user or the system asks the program to stop. Listens from the call on.
fn interruption() -> impl Future<Output = &'static ExitStatus> {
    #[cfg(unix)]
    let signals = {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::terminate())
            .and_then(|terminate| Ok((terminate, signal(SignalKind::interrupt())?)))
    };
    async move {
        #[cfg(unix)]
        if let Ok((mut terminate, mut interrupt)) = signals {
            return tokio::select! {
                _ = terminate.recv() => &exit::TERMINATED,
                _ = interrupt.recv() => &exit::INTERRUPTED,
            };
        }
        // Without a handler the default action of the signal stays in force.
        std::future::pending().await
    }
}

/// A panic is a bug: it says so, and no status of a decision comes of it.
fn install_panic_hook() {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        print(panic);
        #[expect(
            clippy::exit,
            clippy::disallowed_methods,
            reason = "nothing may go on after a bug, on any thread"
        )]
        std::process::exit(i32::from(exit::BUG.code));
    }));
}
