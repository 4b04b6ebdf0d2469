//! The `plimsoll` binary: the only crate that composes the others, prints, and reads environment and clock.

mod args;
mod commands;
mod context;
mod env;
mod error;
mod exit;
mod files;
mod pipeline;
mod report;
mod stages;
mod ui;

use crate::{args::Arguments, context::Context, exit::ExitStatus};
use clap::Parser as _;
use plimsoll_model::Classify as _;
use std::process::ExitCode;

/// The stack of the thread that drives everything: deep enough for the largest future, whatever the system's default.
const STACK: usize = 8 << 20;

fn main() -> ExitCode {
    install_panic_hook();
    let driver =
        std::thread::Builder::new().name("plimsoll".to_owned()).stack_size(STACK).spawn(drive);
    let status = driver.map_or(&exit::BUG, |thread| thread.join().unwrap_or(&exit::BUG));
    ExitCode::from(status.code)
}

fn drive() -> &'static ExitStatus {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let status = if error.use_stderr() { &exit::USAGE } else { &exit::PASSED };
            // When nobody listens any more there is nothing to do about it.
            error.print().ok();
            return status;
        }
    };
    let quiet = args::Shared { quiet: true, ..arguments.shared.clone() };
    let ctx = match Context::new(arguments.shared) {
        Ok(ctx) => ctx,
        Err(error) => {
            ui::Ui::new(&quiet, &env::Environment::read()).error(&error);
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
        tokio::select! {
            outcome = Box::pin(commands::dispatch(ctx, command)) => outcome.unwrap_or_else(|error| {
                ctx.ui.error(&error);
                exit::of_class(error.class())
            }),
            status = interrupted() => status,
        }
    });
    // Work that an interruption left behind must not keep the process.
    runtime.shutdown_background();
    status
}

/// Ends when the user or the system asks the program to stop.
async fn interrupted() -> &'static ExitStatus {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            return tokio::select! {
                _ = terminate.recv() => &exit::TERMINATED,
                _ = tokio::signal::ctrl_c() => &exit::INTERRUPTED,
            };
        }
    }
    // Without a handler the default action of the signal stays in force.
    std::future::pending().await
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
