//! What a person sees on stderr while the work goes on. Nothing else in the program prints there.

use crate::{
    args::{LogFormat, Shared},
    env::{self, Environment},
    error::Error,
};
use clap::ValueEnum;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use plimsoll_model::{Classify as _, Printable};
use std::{
    io::{IsTerminal, Write as _},
    time::{Duration, Instant},
};

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless the environment says otherwise.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Whether text may carry colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    /// Plain text.
    Plain,
    /// With colour.
    Colour,
}

/// What is at the other end of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// A person's terminal.
    Terminal,
    /// A file, a pipe, a CI log.
    Other,
}

impl Stream {
    /// What `stream` leads to.
    pub(crate) fn of(stream: &impl IsTerminal) -> Self {
        if stream.is_terminal() { Self::Terminal } else { Self::Other }
    }
}

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Talk {
    ErrorsOnly,
    Stages,
}

/// The voice on stderr.
#[derive(Debug)]
pub(crate) struct Ui {
    talk: Talk,
    format: LogFormat,
    bars: Option<MultiProgress>,
    paint: Paint,
}

impl Ui {
    /// As flags and environment want it.
    pub(crate) fn new(shared: &Shared, environment: &Environment) -> Self {
        let stream = Stream::of(&std::io::stderr());
        let wants_bars = stream == Stream::Terminal
            && !environment.has(&env::CI)
            && !shared.quiet
            && !shared.no_progress
            && shared.log_format == LogFormat::Text;
        Self {
            talk: if shared.quiet { Talk::ErrorsOnly } else { Talk::Stages },
            format: shared.log_format,
            bars: wants_bars.then(MultiProgress::new),
            paint: paint(shared.color, environment, stream),
        }
    }

    /// Lets the events that developers left in the code reach stderr, as many as `-v` was given.
    pub(crate) fn listen(shared: &Shared) {
        let level = match shared.verbose {
            0 => return,
            1 => "plimsoll_oci=info,plimsoll_sbom=debug,plimsoll_vuln=info,plimsoll_policy=info",
            // Never those of libraries: they may show headers, and with them credentials.
            _ => "plimsoll_oci=debug,plimsoll_sbom=debug,plimsoll_vuln=debug,plimsoll_policy=debug",
        };
        let events = tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::new(level))
            .with_writer(std::io::stderr)
            .with_ansi(false);
        // Fails only when somebody listens already, and nobody does before.
        match shared.log_format {
            LogFormat::Text => events.try_init().ok(),
            LogFormat::Json => events.json().try_init().ok(),
        };
    }

    /// Begins a stage of the work.
    pub(crate) fn stage(&self, name: &'static str) -> Stage<'_> {
        let bar = self.bars.as_ref().map(|bars| {
            let bar = bars.add(ProgressBar::no_length().with_style(spinner()));
            bar.set_message(name);
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        Stage { ui: self, name, bar, started: Instant::now() }
    }

    /// Something worth knowing.
    pub(crate) fn note(&self, text: &str) {
        if self.talk == Talk::Stages {
            self.say("note", text);
        }
    }

    /// Something that may surprise.
    pub(crate) fn warn(&self, text: &str) {
        self.say("warning", text);
    }

    /// Why the command failed, with its way out.
    pub(crate) fn error(&self, error: &Error) {
        self.say("error", &error.chain());
        if let Some(hint) = error.hint() {
            self.say("hint", &hint);
        }
    }

    fn say(&self, level: &'static str, text: &str) {
        let line = match self.format {
            LogFormat::Json => serde_json::json!({ "level": level, "message": text }).to_string(),
            LogFormat::Text => {
                let colour = match (self.paint, level) {
                    (Paint::Plain, _) => None,
                    (Paint::Colour, "error") => Some("\u{1b}[1;31m"),
                    (Paint::Colour, "warning") => Some("\u{1b}[1;33m"),
                    (Paint::Colour, "hint") => Some("\u{1b}[1;36m"),
                    (Paint::Colour, _) => Some("\u{1b}[1m"),
                };
                let text = Printable(text);
                colour.map_or_else(
                    || format!("{level}: {text}"),
                    |colour| format!("{colour}{level}:\u{1b}[0m {text}"),
                )
            }
        };
        self.line(&line);
    }

    fn line(&self, line: &str) {
        let line = tame(line);
        // When stderr is gone there is nobody to tell.
        let write = || writeln!(std::io::stderr().lock(), "{line}").ok();
        match &self.bars {
            // A hidden bar would drop the text: write beside the bars, never through one.
            Some(bars) => bars.suspend(write),
            None => write(),
        };
    }
}

/// One stage while it runs.
#[derive(Debug)]
pub(crate) struct Stage<'a> {
    ui: &'a Ui,
    name: &'static str,
    bar: Option<ProgressBar>,
    started: Instant,
}

impl Stage<'_> {
    /// How much there will be to do, in bytes.
    pub(crate) fn expect(&self, bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.set_style(byte_bar());
            bar.set_length(bytes);
        }
    }

    /// The bar to advance, where one is shown.
    pub(crate) fn bar(&self) -> Option<ProgressBar> {
        self.bar.clone()
    }

    /// Ends the stage with one line: what came of it, and how long it took.
    pub(crate) fn done(self, outcome: &str) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let seconds = self.started.elapsed().as_secs_f64();
        if self.ui.talk == Talk::ErrorsOnly {
            return;
        }
        match self.ui.format {
            LogFormat::Text => self.ui.line(&format!("{}: {}, {seconds:.2} s", self.name, Printable(outcome))),
            LogFormat::Json => self.ui.line(
                &serde_json::json!({ "level": "info", "stage": self.name, "message": outcome, "seconds": seconds })
                    .to_string(),
            ),
        }
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A text without what the log of a runner takes for commands: `##[…]` and `##vso[…]`. Text for people has none any
/// more; in JSON they can only be in a string, which means the same with an escape in it.
pub(crate) fn tame(text: &str) -> String {
    text.replace("##[", "#\\u0023[").replace("##vso[", "#\\u0023vso[")
}

/// `--color`, then `NO_COLOR`, then `FORCE_COLOR` and `CLICOLOR_FORCE`, then whether it is a terminal.
pub(crate) fn paint(choice: ColorChoice, environment: &Environment, stream: Stream) -> Paint {
    let wants = match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto if environment.has(&env::NO_COLOR) => false,
        ColorChoice::Auto
            if environment.has(&env::FORCE_COLOR) || environment.has(&env::CLICOLOR_FORCE) =>
        {
            true
        }
        ColorChoice::Auto => stream == Stream::Terminal,
    };
    if wants { Paint::Colour } else { Paint::Plain }
}

fn spinner() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {msg} {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn byte_bar() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_beats_the_environment_beats_the_terminal() {
        let none = Environment::default();
        assert_eq!(paint(ColorChoice::Auto, &none, Stream::Terminal), Paint::Colour);
        assert_eq!(paint(ColorChoice::Auto, &none, Stream::Other), Paint::Plain);
        let no = Environment::of(&[("NO_COLOR", "1"), ("FORCE_COLOR", "1")]);
        assert_eq!(paint(ColorChoice::Auto, &no, Stream::Terminal), Paint::Plain);
        assert_eq!(paint(ColorChoice::Always, &no, Stream::Other), Paint::Colour);
        let force = Environment::of(&[("CLICOLOR_FORCE", "1")]);
        assert_eq!(paint(ColorChoice::Auto, &force, Stream::Other), Paint::Colour);
        assert_eq!(paint(ColorChoice::Never, &force, Stream::Terminal), Paint::Plain);
    }
}
