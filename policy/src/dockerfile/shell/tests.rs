use super::*;
use crate::{
    dockerfile::{Build, Step},
    facts::Dockerfile,
    rules::testing::Case,
};
use proptest::prelude::*;

fn steps(dockerfile: &str) -> Vec<Step> {
    let file = Dockerfile { path: "Dockerfile".into(), text: dockerfile.to_owned() };
    let build = Case::default().with_facts(|facts| Build::of(&file, facts));
    build.stages[0].steps.clone()
}

fn script(run: &str) -> Script {
    steps(&format!("FROM a\n{run}")).pop().unwrap().script
}

/// Each command as `word word`, assignments and redirections included.
fn lines(script: &Script) -> Vec<String> {
    let line = |command: &Command| {
        let assignments =
            command.assignments.iter().map(|(name, word)| format!("{name}={}", word.text()));
        let words = command.words.iter().map(|word| word.text().to_owned());
        let redirects = command
            .redirects
            .iter()
            .map(|redirect| format!("{}{}", redirect.operator, redirect.to.text()));
        assignments.chain(words).chain(redirects).collect::<Vec<_>>().join(" ")
    };
    script.commands.iter().map(line).collect()
}

#[track_caller]
fn check(run: &str, expect: &[&str]) {
    let script = script(&format!("RUN {run}"));
    assert_eq!(script.untold, [], "{run}");
    assert_eq!(lines(&script), expect, "{run}");
}

#[test]
fn commands_end_at_operators_and_not_in_quotes() {
    check("a b && c || d; e & f", &["a b", "c", "d", "e", "f"]);
    check("echo 'a && b' \"c ; d\" e\\;f", &["echo a && b c ; d e;f"]);
    check("a # b && c", &["a"]);
    check("a b#c", &["a b#c"]);
    check("! a; { b; c; }; (d; e)", &["a", "b", "c", "d", "e"]);
    check("echo $'a'", &["echo a"]);
    check("[[ -f a && ( b < c ) ]] && d", &["[[ -f a && ( b < c ) ]]", "d"]);
}

#[test]
fn reserved_words_are_no_programs() {
    check("if a; then b; elif c; then d; else e; fi; f", &["a", "b", "c", "d", "e", "f"]);
    check("while a; do b; done && c", &["a", "b", "c"]);
    check("for x in 1 2; do a $x; done", &["a $x"]);
    check("case $x in a|b) c;; (d) e f ;; *) ;; esac; g", &["c", "e f", "g"]);
    check("f() { a; }; function g { b; }; f", &["a", "b", "f"]);
    check("echo if then fi", &["echo if then fi"]);
    check("x=(a b); y", &["x=", "y"]);
}

#[test]
fn assignments_and_redirections_are_no_arguments() {
    check("A=b C=\"d e\" f g=h 2>&1 >/dev/null <i", &["A=b C=d e f g=h >&1 >/dev/null <i"]);
    check("a &>> b 3<c", &["a &>>b <c"]);
    check("a <<< 'b c'", &["a <<<b c"]);
    check("echo 2 >b", &["echo 2 >b"]);
}

#[test]
fn what_runs_inside_of_a_command_is_told() {
    check("a \"$(b | c)\" `d e`", &["a $(b | c) $(d e)", "b", "c", "d e"]);
    check("bash <(a b)", &["bash $(a b)", "a b"]);
    check("x=$(a)", &["x=$(a)", "a"]);
    check("sh -c 'a && b'; bash -exc \"c\"", &["sh -c a && b", "bash -exc c", "a", "b", "c"]);
    check("su app -c 'a b'; eval 'c; d'", &["su app -c a b", "eval c; d", "a b", "c", "d"]);
    check("for x in $(a); do b; done", &["b", "a"]);
    check("echo $((1 + (2)))", &["echo $((1 + (2)))"]);
    let script = script("RUN a $(b) && c");
    let [a, c, b] = script.commands.as_slice() else { panic!("{script:?}") };
    assert_eq!((a.within, c.within, b.within), (None, None, Some(0)));
    assert_eq!(script.inside(a).collect::<Vec<_>>(), [b]);
    assert_eq!(script.inside(c).count(), 0);
}

#[test]
fn pipes_lead_from_one_command_to_another_through_brackets() {
    let feeds = |run: &str, from: &str, to: &str| {
        let script = script(&format!("RUN {run}"));
        let named = |name: &str| {
            let mut commands = script.commands.iter();
            commands.find(|command| command.has_word(name)).unwrap()
        };
        let (from, to) = (named(from), named(to));
        let number = script.commands.iter().position(|command| command == from).unwrap();
        let feeds = script.feeds(from, to);
        assert_eq!(script.readers(number).any(|reader| reader == to), feeds, "{run}");
        feeds
    };
    for (run, expect) in [
        ("a | b", true),
        ("b | a", false),
        ("a | x | b", true),
        ("a |& b", true),
        ("(x; a) | { y; b; }", true),
        ("a && x | b", false),
        ("a; b", false),
        ("a || b", false),
        ("(a; x) && (y; b)", false),
        ("if a | b; then x; fi", true),
        ("{ a; x | b; }", false),
    ] {
        assert_eq!(feeds(run, "a", "b"), expect, "{run}");
    }
}

#[test]
fn here_documents_are_scripts_for_shells_alone() {
    let lines = |text: &str| lines(&script(text));
    assert_eq!(lines("RUN <<EOF\na b\nc\nEOF\n"), ["<<EOF", "a b", "c"]);
    assert_eq!(lines("RUN bash -e <<EOF\na\nEOF\n"), ["bash -e <<EOF", "a"]);
    assert_eq!(lines("RUN python3 <<EOF\na\nEOF\n"), ["python3 <<EOF"]);
    assert_eq!(lines("RUN <<EOF\n#!/usr/bin/env python3\na\nEOF\n"), ["<<EOF"]);
    assert_eq!(lines("RUN <<EOF\n#!/bin/bash -e\na\nEOF\n"), ["<<EOF", "a"]);
    assert_eq!(lines("RUN cat <<A > f && sh <<B\nx\nA\ny\nB\n"), ["cat <<A >f", "sh <<B", "y"]);
    // One in the script of another.
    assert_eq!(lines("RUN <<EOF\ncat <<X >f\nno\nX\nyes\nEOF\n"), ["<<EOF", "cat <<X >f", "yes"]);
}

#[test]
fn variables_that_are_known_are_replaced() {
    let all =
        steps("FROM scratch\nENV P=\"a b\" U=\nARG V=1\nRUN x $P \"$P\" '$P' v$V${U:-u} $W. $1");
    let words: Vec<_> = all[2].script.commands[0].words.iter().map(Word::text).collect();
    assert_eq!(words, ["x", "a", "b", "a b", "$P", "v1u", ".", "$1"]);
    assert_eq!(steps("FROM debian\nRUN x $W")[0].script.commands[0].words[1].value.known(), None);
    check("V=1; export W=2; a $V-$W", &["V=1", "export W=2", "a 1-2"]);
    check("V=$(x); a v$V", &["V=$(x)", "a v$V", "x"]);
    check("read V; a $V", &["read V", "a $V"]);
}

#[test]
fn programs_are_found_behind_those_that_start_them() {
    let program = |run: &str| {
        let script = script(&format!("RUN {run}"));
        let (name, arguments) = script.commands[0].program().unwrap();
        let words = arguments.iter().map(Word::text);
        std::iter::once(name).chain(words).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(program("/usr/bin/curl -k x"), "curl -k x");
    assert_eq!(program("sudo -u app -E env A=b nice -n 5 curl x"), "curl x");
    assert_eq!(program("timeout -k 5 10 curl x"), "curl x");
    assert_eq!(program("gosu app sh"), "sh");
    assert_eq!(program("exec sudo"), "sudo");
    assert_eq!(program("A=b curl"), "curl");
    for starter in [
        "sudo --user x",
        "sudo --user=x -iu y",
        "sudo -iu x",
        "nice --adjustment 5",
        "xargs --max-args 1",
        "xargs -0 -n1 -P 4",
        "runuser -u app --",
        "setpriv --reuid 1 --init-groups",
        "setsid",
        "stdbuf -oL",
        "chroot /mnt",
        "chroot --userspec=a /mnt",
        "unshare -n",
        "flock /l",
        "flock -w 5 /l",
        "fakeroot --",
        "tini --",
        "dumb-init -v --",
        "coproc",
        "retry 3",
        "retry",
        "parallel -j 4",
        "busybox",
        "timeout --signal KILL 10",
        "timeout -- 10",
        "env -u A B=c",
    ] {
        assert_eq!(program(&format!("{starter} curl -k x")), "curl -k x", "{starter}");
    }
    assert_eq!(program("runuser app -c x"), "runuser app -c x");
    assert_eq!(program("busybox --install -s"), "busybox --install -s");
}

#[test]
fn a_line_may_end_behind_a_pipe() {
    for run in [
        "<<EOF\na |\n  b\nEOF",
        "<<EOF\na |& # c\n\n b\nEOF",
        "bash <<EOF\ncat <<X |\nx\nX\nb\nEOF",
    ] {
        let script = script(&format!("RUN {run}"));
        let [.., from, to] = script.commands.as_slice() else { panic!("{script:?}") };
        assert!(script.feeds(from, to), "{run}");
    }
    let ended = script("RUN <<EOF\na | b\nc\nEOF");
    let [_, a, b, c] = ended.commands.as_slice() else { panic!("{ended:?}") };
    assert!(ended.feeds(a, b) && !ended.feeds(b, c) && !ended.feeds(a, c));
}

#[test]
fn a_variable_has_every_value_that_it_may_have() {
    // The one that is set last comes first.
    for (run, expect) in [
        ("O=a; O=b; x $O", vec!["x b"]),
        ("O=a; if c; then O=b; fi; x $O", vec!["x b", "x a"]),
        ("O=a; if c; then O=; fi; x $O", vec!["x", "x a"]),
        ("O=a; (O=b); x $O", vec!["x b", "x a"]),
        ("O=a; false && O=b; x $O", vec!["x b", "x a"]),
        ("O=a; true || O=b; x $O", vec!["x b", "x a"]),
        ("O=a; O=b & x $O", vec!["x b", "x a"]),
        ("O=a; O=b | true; x $O", vec!["x b", "x a"]),
        ("O=a; f() { O=b; }; x $O", vec!["x b", "x a"]),
        ("O=a; O+=b; x $O", vec!["x b", "x a"]),
        ("A=1 && B=2 && x $A$B", vec!["x 12"]),
        ("O=a; c && O=b; x \"-$O-\" > $O", vec!["x -b- >b", "x -a- >a"]),
        ("O=a; P=1; c && O=b && P=2; x $O $P", vec!["x b 2", "x a 1"]),
        ("O=a; c && O=b; P=$O; x $P", vec!["x b", "x a"]),
        ("O=a; c && export O=b; x $O", vec!["x b", "x a"]),
        ("O=a; y=$(x $O); O=b", vec!["x a"]),
        ("O=a; sh -c 'O=b'; sh -c 'x $O'", vec!["x a"]),
        ("O=a sh -c 'x $O'", vec!["x a"]),
        ("case $c in 1) O=a;; *) O=b;; esac; x $O", vec!["x b", "x a"]),
    ] {
        let script = script(&format!("RUN {run}"));
        let mut found = lines(&script);
        found.retain(|line| line.starts_with('x'));
        assert_eq!(found, expect, "{run}");
    }
    // Of the image nobody knows more: the command is told once.
    check("c && O=b; x $O", &["c", "O=b", "x b"]);
    let values: Vec<_> = (0..20).map(|n| format!("c && O={n}; ")).collect();
    let values = values.concat();
    let script = script(&format!("RUN {values} x $O"));
    assert_eq!(lines(&script).last().map(String::as_str), Some("x $O"));
    let names: Vec<_> = (0..300).map(|n| format!("O{n}=a; ")).collect();
    let names = names.concat();
    assert_eq!(
        lines(&self::script(&format!("RUN {names} x $O0 $O299"))).pop().unwrap(),
        "x a $O299"
    );
}

#[test]
fn what_a_command_runs_beside_itself_is_told() {
    for run in [
        "cat <<EOF | sh\nx -k\nEOF",
        "cat <<'EOF' | bash -s -- y\nx -k\nEOF",
        "tee /s.sh <<EOF && sh /s.sh\nx -k\nEOF",
        "cat <<EOF > /s.sh && chmod +x /s.sh && /s.sh y\nx -k\nEOF",
        "cat > /s.sh <<EOF && . /s.sh\n#!/bin/sh\nx -k\nEOF",
        "<<EOF\ncat <<X | sh\nx -k\nX\nEOF",
        "echo 'x -k' | sh",
        "printf '%s\\n' y 'x -k' | su app",
        "{ echo y; echo 'x -k'; } | sh -",
        "sh <<< 'x -k'",
        "cat <<< 'x -k' | sh",
        "sh -c -- 'x -k'",
        "bash -euo pipefail -c 'x -k'",
        "bash -c -e 'x -k' y",
        "trap 'x -k' EXIT",
        "eval x -k",
        "alias c='x -k'",
        "env -S 'x -k'",
        "env -i --split-string='x -k'",
        "su app --command='x -k'",
        "flock /l -c 'x -k'",
        "find / -type f -exec x -k {} +",
        "sudo find / -exec sh -c 'x -k' \\;",
        "busybox sh -c 'x -k'",
    ] {
        let script = script(&format!("RUN {run}"));
        assert_eq!(script.untold, [], "{run}");
        let meant = |command: &&Command| {
            let text = |word: &Word| word.text().to_owned();
            let words: Vec<_> = command.words.iter().map(text).collect();
            words.starts_with(&["x".to_owned(), "-k".to_owned()])
        };
        assert_eq!(script.commands.iter().filter(meant).count(), 1, "{run}: {script:?}");
    }
    // Nothing is run by these.
    for run in [
        "cat <<EOF > /s.sh\nx -k\nEOF",
        "echo 'x -k' | cat",
        "sh y <<< 'x -k'",
        "echo 'x -k' > /s.sh && sh /t.sh",
    ] {
        assert!(!lines(&script(&format!("RUN {run}"))).contains(&"x -k".to_owned()), "{run}");
    }
    let at = script("RUN cat <<EOF | sh\n\n  x -k\nEOF").commands.pop().unwrap().at;
    assert_eq!((at.line, at.column), (4, 3));
}

#[test]
fn scripts_of_earlier_steps_are_told_where_they_run() {
    for first in [
        "COPY <<EOF /opt/s.sh\nx -k\nEOF",
        "RUN cat <<EOF > /opt/s.sh\nx -k\nEOF",
        "COPY <<s.sh /opt/\nx -k\ns.sh",
    ] {
        for last in
            ["RUN sh /opt/s.sh", "RUN /opt/s.sh", "RUN [\"/opt/s.sh\"]", "RUN y && . ./s.sh"]
        {
            let all = steps(&format!("FROM a\n{first}\n{last}"));
            let script = &all.last().unwrap().script;
            assert_eq!(lines(script).last().map(String::as_str), Some("x -k"), "{first}, {last}");
            assert_eq!(script.commands.last().unwrap().at.line, 3);
        }
        assert_eq!(
            lines(&steps(&format!("FROM a\n{first}\nRUN sh /opt/t.sh"))[1].script),
            ["sh /opt/t.sh"]
        );
    }
}

#[test]
fn what_is_run_and_not_known_is_said() {
    for (run, untold) in [
        ("bash -c \"$CMD\"", "a script that is run is `$CMD`, whose value is not known"),
        ("eval $A \"${B}\"", "a script that is run is `$A`, whose value is not known"),
        ("echo \"$CMD\" | sh", "a shell is fed `$CMD`, whose value is not known"),
    ] {
        let script = script(&format!("RUN {run}"));
        let found: Vec<_> = script.untold.iter().map(|(_, what)| what.as_str()).collect();
        assert_eq!(found, [untold], "{run}");
    }
    for (run, interpreter, text) in [
        ("python3 -c 'x'", "python3", "x"),
        ("fish -c \"x\"", "fish", "x"),
        ("python3 <<EOF\nx\nEOF", "python3", "x\n"),
        ("<<EOF\n#!/usr/bin/env -S perl -w\nx\nEOF", "perl", "#!/usr/bin/env -S perl -w\nx\n"),
        ("tee s <<EOF && ./s\n#!/usr/bin/python3\nx\nEOF", "python3", "#!/usr/bin/python3\nx\n"),
    ] {
        let script = script(&format!("RUN {run}"));
        let [foreign] = script.foreign.as_slice() else { panic!("{run}: {script:?}") };
        assert_eq!(
            (foreign.interpreter.as_str(), foreign.text.as_str()),
            (interpreter, text),
            "{run}"
        );
    }
    check("python3 -m x; perl y; node <z", &["python3 -m x", "perl y", "node <z"]);
}

#[test]
fn every_command_knows_its_place() {
    let script = script("RUN a && \\\n  # no\n  b $(c \\\n d) && \\\n\n sh -c 'e'\n");
    let places: Vec<_> = script.commands.iter().map(|c| (c.at.line, c.at.column)).collect();
    assert_eq!(lines(&script), ["a", "b $(c  d)", "sh -c e", "c d", "e"]);
    assert_eq!(places, [(2, 5), (4, 3), (7, 2), (4, 7), (7, 8)]);
    let heredoc = self::script("RUN <<EOF\n\n  a\nb; c\nEOF\n");
    let places: Vec<_> = heredoc.commands.iter().map(|c| (c.at.line, c.at.column)).collect();
    assert_eq!(places, [(2, 5), (4, 3), (5, 1), (5, 4)]);
}

#[test]
fn lists_of_words_run_without_a_shell_and_other_shells_are_told() {
    assert_eq!(lines(&script("CMD [\"a\", \"b && c\"]")), ["a b && c"]);
    assert_eq!(
        lines(&script("ENTRYPOINT [\"sh\", \"-c\", \"a && b\"]")),
        ["sh -c a && b", "a", "b"]
    );
    assert_eq!(lines(&script("HEALTHCHECK --interval=5s CMD a || exit 1")), ["a", "exit 1"]);
    assert_eq!(lines(&script("HEALTHCHECK NONE")), [""; 0]);
    let other = steps("FROM a\nSHELL [\"C:\\\\PowerShell.exe\", \"-c\"]\nRUN iex x\nRUN [\"a\"]");
    assert_eq!(other[1].interpreter.as_deref(), Some("powershell.exe"));
    assert_eq!(other[1].script, Script::default());
    assert_eq!(lines(&other[2].script), ["a"]);
}

#[test]
fn what_is_broken_hides_nothing_before_it() {
    for (run, untold, before) in [
        ("a && b 'c", "a quote without end", 2),
        ("a && b \"c", "a quote without end", 2),
        ("a; $(b", "a bracket without end", 3),
        ("a `b", "a backtick without end", 2),
        ("a ${b", "a bracket without end", 1),
    ] {
        let script = script(&format!("RUN {run}"));
        let found: Vec<_> = script.untold.iter().map(|(_, what)| what.as_str()).collect();
        assert_eq!((found, script.commands.len()), (vec![untold], before), "{run}");
    }
}

#[test]
fn nesting_ends_somewhere_and_says_so() {
    for run in ["( ", "{ ", "if ", "x $(", "sh -c \"$(", "a && "] {
        let script = script(&format!("RUN {}", run.repeat(5_000)));
        assert!(!script.untold.is_empty(), "{run}");
        assert!(script.commands.len() <= COMMANDS);
    }
}

proptest! {
    #[test]
    fn no_script_panics(text in "[a-z(){}$`'\"<>|&;=# \\\\\n]{0,200}") {
        let script = script(&format!("RUN <<EOT\n{text}\nEOT\nRUN {text}\n"));
        prop_assert!(script.commands.len() <= COMMANDS);
    }
}
