//! What command lines in the jobs of a pipeline give to containers: the host's sockets, directories, namespaces and devices.

use crate::host;

/// Programs that run containers.
const ENGINES: [&str; 4] = ["docker", "podman", "nerdctl", "docker-compose"];
/// What ends a command.
const ENDS: [&str; 6] = ["&&", "||", "|", ";", "&", "then"];
/// What continues a line in a shell, in PowerShell, and in cmd.
const CONTINUES: [&str; 3] = ["\\", "`", "^"];
/// Namespaces, each with what makes it the host's.
const NAMESPACES: [&str; 7] =
    ["--pid", "--ipc", "--network", "--net", "--uts", "--userns", "--cgroupns"];

/// The most that is told of one text: each is looked for in it again.
pub(super) const MOST: usize = 1_000;

/// Something that a container is given.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Given<'t> {
    /// The word of the text that gives it.
    pub(super) word: &'t str,
    /// What it is; it can not be told where there is nothing.
    pub(super) what: Option<String>,
}

/// The words of a text, without quotes and without what continues lines.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    let bare = text.split_whitespace().map(|word| word.trim_matches(['"', '\'']));
    bare.filter(|word| !CONTINUES.contains(word))
}

/// The commands of a script, each as its words: the lines, but for those that go on, cut at what ends a command.
pub(super) fn commands(script: &str) -> Vec<Vec<&str>> {
    let mut commands = vec![Vec::new()];
    let mut goes_on = false;
    for line in script.lines() {
        let line = line.trim();
        if !goes_on {
            commands.push(Vec::new());
        }
        goes_on = CONTINUES.iter().any(|sign| line.ends_with(sign));
        for word in line.split_whitespace() {
            let ends = ENDS.contains(&word) || word.ends_with(';');
            let word = word.trim_end_matches(';').trim_start_matches(['(', '{', '`']);
            let word = word.rsplit_once("$(").map_or(word, |(_, inner)| inner);
            let word = word.trim_end_matches(')').trim_matches(['"', '\'']);
            if let Some(last) = commands.last_mut()
                && !word.is_empty()
                && !ENDS.contains(&word)
                && !CONTINUES.contains(&word)
            {
                last.push(word);
            }
            if ends {
                commands.push(Vec::new());
            }
        }
    }
    commands.retain(|command| !command.is_empty());
    commands
}

/// The words after the name of an engine in a command; nothing where it calls none.
pub(super) fn of_engine<'c, 't>(command: &'c [&'t str]) -> Option<&'c [&'t str]> {
    let name = |word: &&str| {
        let name = word.rsplit('/').next().unwrap_or_default();
        ENGINES.contains(&name.strip_suffix(".exe").unwrap_or(name))
    };
    command.get(command.iter().position(name)?.saturating_add(1)..)
}

/// What the commands of a script give to the containers that they run.
pub(super) fn given_by_script(script: &str) -> Vec<Given<'_>> {
    let commands = commands(script);
    let of_engines = commands.iter().filter_map(|command| of_engine(command));
    of_engines.flat_map(given).take(MOST).collect()
}

/// What options give to a container.
pub(super) fn given<'t>(words: &[&'t str]) -> Vec<Given<'t>> {
    let mut found = Vec::new();
    let mut words = words.iter().copied();
    while let Some(word) = words.next().filter(|_| found.len() < MOST) {
        let (name, inline) = match word.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value)),
            _ => (word, None),
        };
        let name = if word.starts_with("-v") && !word.starts_with("--") { "-v" } else { name };
        let glued = word.strip_prefix("-v").filter(|rest| name == "-v" && !rest.is_empty());
        let mut value = || inline.or(glued).or_else(|| words.next());
        let (word, what) = match name {
            "--privileged" if inline.is_none_or(is_yes) => {
                (word, Ok(Some("it is privileged".to_owned())))
            }
            "-v" | "--volume" => {
                let Some(value) = value() else { continue };
                (value, source(value.split(':').next().unwrap_or_default()))
            }
            "--mount" => {
                let Some(value) = value() else { continue };
                (value, mounted(value))
            }
            name if NAMESPACES.contains(&name) => {
                let Some(value) = value() else { continue };
                let what = format!("a namespace of the host (`{name} {value}`)");
                (value, Ok((value == "host").then_some(what)))
            }
            "--cap-add" => {
                let Some(value) = value() else { continue };
                let capability = host::capability(value);
                let what = format!("the capability `{capability}`");
                (value, Ok(host::is_dangerous(&capability).then_some(what)))
            }
            "--security-opt" => {
                let Some(value) = value() else { continue };
                let what = format!("no confinement (`{value}`)");
                let is_off = value.contains("unconfined") || value == "label=disable";
                (value, Ok(is_off.then_some(what)))
            }
            _ => continue,
        };
        match what {
            Ok(Some(what)) => found.push(Given { word, what: Some(what) }),
            Ok(None) => {}
            Err(Untold) => found.push(Given { word, what: None }),
        }
    }
    found
}

fn is_yes(value: &str) -> bool {
    ["", "1", "t", "T", "TRUE", "true", "True"].contains(&value.trim_matches(['"', '\'']))
}

/// It can not be told which path is meant.
struct Untold;

/// What of the host a path gives away.
fn source(path: &str) -> Result<Option<String>, Untold> {
    let path = path.trim_matches(['"', '\'']);
    if path.starts_with('$') {
        // Of variables, only one that is for a socket is looked at: most are where the job works.
        let is_socket = path.to_ascii_lowercase().contains("sock");
        return if is_socket { Err(Untold) } else { Ok(None) };
    }
    if !path.starts_with(['/', '\\']) {
        return Ok(host::socket_in(path).map(|name| format!("the socket `{name}` of the host")));
    }
    let socket = host::socket(path).map(|socket| format!("the socket `{socket}` of the host"));
    let directory = || host::sensitive(path).map(|directory| format!("`{directory}` of the host"));
    Ok(socket.or_else(directory))
}

fn mounted(value: &str) -> Result<Option<String>, Untold> {
    let parts = || value.split(',').filter_map(|part| part.split_once('='));
    if parts().any(|(key, value)| key == "type" && value != "bind") {
        return Ok(None);
    }
    let mut sources = parts().filter(|(key, _)| matches!(*key, "src" | "source"));
    sources.next().map_or(Ok(None), |(_, path)| source(path))
}

/// What of the host a volume (`/a:/b`) gives away; it can not be told where there is nothing in it.
pub(super) fn given_by_volume(volume: &str) -> Option<Given<'_>> {
    let what = match source(volume.split(':').next().unwrap_or_default()) {
        Ok(None) => return None,
        Ok(what) => what,
        Err(Untold) => None,
    };
    Some(Given { word: volume, what })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(script: &str) -> Vec<(&str, Option<String>)> {
        given_by_script(script).into_iter().map(|given| (given.word, given.what)).collect()
    }

    #[test]
    fn what_commands_give_away_is_found_by_its_word() {
        for (script, word, what) in [
            ("docker run --privileged x", "--privileged", "it is privileged"),
            ("docker run --privileged=1 x", "--privileged=1", "it is privileged"),
            (
                "sudo docker run -v /run/podman/podman.sock:/s x",
                "/run/podman/podman.sock:/s",
                "the socket `/run/podman/podman.sock` of the host",
            ),
            (
                "docker run \\\n  -v \\\n  /var/run:/var/run x",
                "/var/run:/var/run",
                "the socket `/var/run/docker.sock` of the host",
            ),
            ("/usr/bin/docker run --volume=/etc:/e x", "/etc:/e", "`/etc` of the host"),
            ("make; docker run -v/root:/r x", "/root:/r", "`/root` of the host"),
            (
                "docker run --mount type=bind,src=/,dst=/h x",
                "type=bind,src=/,dst=/h",
                "the socket `/run/docker.sock` of the host",
            ),
            ("docker run --pid=host x", "host", "a namespace of the host (`--pid host`)"),
            ("podman run --cap-add sys_admin x", "sys_admin", "the capability `SYS_ADMIN`"),
            (
                "docker run --security-opt seccomp=unconfined x",
                "seccomp=unconfined",
                "no confinement (`seccomp=unconfined`)",
            ),
            ("x=$(docker run --privileged x)", "--privileged", "it is privileged"),
        ] {
            assert_eq!(found(script), [(word, Some(what.to_owned()))], "{script}");
        }
        assert_eq!(found("docker run -v $SOCKET:/s x"), [("$SOCKET:/s", None)]);
    }

    #[test]
    fn thousands_of_them_end_somewhere() {
        assert_eq!(found(&"docker run --privileged x\n".repeat(5_000)).len(), MOST);
        let words = vec!["--privileged"; 5_000];
        assert_eq!(given(&words).len(), MOST);
    }

    #[test]
    fn what_is_of_the_job_alone_is_not() {
        for script in [
            "docker run -v $PWD:/src -v cache:/c -v ./a:/b x",
            "docker run -v /etc/localtime:/etc/localtime:ro x",
            "docker run --privileged=false --pid=container:a --cap-add CHOWN x",
            "docker run --mount type=volume,src=/x,dst=/y x",
            "echo --privileged && docker build .",
            "ls -v /etc",
            "docker run --volume",
            "",
        ] {
            assert_eq!(found(script), [], "{script}");
        }
    }
}
