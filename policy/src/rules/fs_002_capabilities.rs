//! FS-002: no file gives capabilities.
//!
//! The attribute `security.capability` as Linux reads it: `include/uapi/linux/capability.h`, `struct vfs_cap_data`, and
//! `capabilities(7)`, "File capabilities".

use super::{About, Parameter, ParameterKind, Raised, Rule, RuleContext, layers};
use crate::decide::Action;
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "FS-002",
    name: "fs_002_capabilities",
    title: "no file gives capabilities that nobody has allowed",
    severity: Severity::High,
    action: Action::Warn,
    why: "Whoever starts such a program has a part of root's rights while it runs; with some of them, as with CAP_SYS_ADMIN, all of them. `ls` does not show it.",
    mend: "take it away with `setcap -r`, give the container the capability instead, or name the program under `allow`",
    bad: "RUN setcap cap_sys_admin+ep /usr/local/bin/tool",
    good: "RUN setcap -r /usr/local/bin/tool",
    equivalents: &[],
    about: &[About::Files],
    parameters: &[Parameter {
        name: "allow",
        kind: ParameterKind::Texts,
        help: "programs that may, by their whole paths (none)",
    }],
    check,
};

/// By number: `include/uapi/linux/capability.h` of Linux 6.12.
const NAMES: [&str; 41] = [
    "cap_chown",
    "cap_dac_override",
    "cap_dac_read_search",
    "cap_fowner",
    "cap_fsetid",
    "cap_kill",
    "cap_setgid",
    "cap_setuid",
    "cap_setpcap",
    "cap_linux_immutable",
    "cap_net_bind_service",
    "cap_net_broadcast",
    "cap_net_admin",
    "cap_net_raw",
    "cap_ipc_lock",
    "cap_ipc_owner",
    "cap_sys_module",
    "cap_sys_rawio",
    "cap_sys_chroot",
    "cap_sys_ptrace",
    "cap_sys_pacct",
    "cap_sys_admin",
    "cap_sys_boot",
    "cap_sys_nice",
    "cap_sys_resource",
    "cap_sys_time",
    "cap_sys_tty_config",
    "cap_mknod",
    "cap_lease",
    "cap_audit_write",
    "cap_audit_control",
    "cap_setfcap",
    "cap_mac_override",
    "cap_mac_admin",
    "cap_syslog",
    "cap_wake_alarm",
    "cap_block_suspend",
    "cap_audit_read",
    "cap_perfmon",
    "cap_bpf",
    "cap_checkpoint_restore",
];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(files) = context.facts().files else { return Vec::new() };
    let (allowed, base) = (context.texts("allow"), layers::of_base(context));
    let judged = files.entries.iter().filter(|entry| {
        !entry.capabilities.is_empty() && !allowed.contains(&entry.path.to_string())
    });
    let raised = judged.filter_map(|entry| {
        let (place, path) = (layers::place_of(files, entry), &entry.path);
        let expected = "no capabilities";
        let raised = match names(&entry.capabilities) {
            Some(names) if names.is_empty() => return None,
            Some(names) => {
                let title = format!("{path} gives capabilities to whoever starts it");
                context.fail(place, title, names.join(", "), expected)
            }
            None => {
                let title = format!("it can not be told which capabilities {path} gives");
                let found = "an attribute `security.capability` in an unknown form";
                context.unknown(place, title, found, expected)
            }
        };
        Some(layers::limited(raised, layers::origin(base, entry.layer)))
    });
    raised.collect()
}

/// What an attribute gives, permitted or inheritable; `None` where its form is none that is known.
fn names(attribute: &[u8]) -> Option<Vec<String>> {
    let words: Vec<u64> = attribute
        .chunks(4)
        .map(|word| word.try_into().ok().map(u32::from_le_bytes).map(u64::from))
        .collect::<Option<_>>()?;
    // The version is in the highest byte; the third one ends with the user that is root.
    let held = match (words.first()? >> 24, words.get(1..)?) {
        (1, [permitted, inheritable]) => permitted | inheritable,
        (2, [permitted, inheritable, high_permitted, high_inheritable])
        | (3, [permitted, inheritable, high_permitted, high_inheritable, _]) => {
            permitted | inheritable | (high_permitted | high_inheritable) << 32
        }
        _ => return None,
    };
    let name = |bit: usize| {
        NAMES.get(bit).map_or_else(|| format!("capability {bit}"), |name| (*name).to_owned())
    };
    Some((0..64).filter(|bit| held >> bit & 1 == 1).map(name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    /// Version 2, with these permitted bits.
    fn attribute(permitted: u64) -> Vec<u8> {
        let (low, high) = (permitted & 0xffff_ffff, permitted >> 32);
        let words = [0x0200_0001, low, 0, high, 0];
        words.iter().flat_map(|word| u32::try_from(*word).unwrap().to_le_bytes()).collect()
    }

    fn case(attribute: &[u8]) -> Case {
        Case::default().image(&["base", "app"]).holding("usr/bin/ping", attribute, 1)
    }

    #[test]
    fn what_is_given_is_named() {
        let case = case(&attribute(1 << 13 | 1 << 21 | 1 << 39 | 1 << 63));
        case.check("FS-002", Expect::Fail);
        let found = &case.findings("FS-002")[0].finding.found;
        assert_eq!(found, "cap_net_raw, cap_sys_admin, cap_bpf, capability 63");
        let allowed = case.clone().policy("rules: {FS-002: {allow: [/usr/bin/ping]}}");
        allowed.check("FS-002", Expect::Pass);
        let base = case.policy("rules: {FS-002: deny}");
        let approved = base.clone().approved("debian:12", &["base", "app"], "2026-12-31");
        assert_eq!(base.findings("FS-002")[0].action, Action::Deny);
        assert_eq!(approved.findings("FS-002")[0].action, Action::Inform);
    }

    #[test]
    fn every_version_is_read_and_no_other_form() {
        let first = [1_u32 << 24, 1 << 13, 0].map(u32::to_le_bytes).concat();
        assert_eq!(names(&first).unwrap(), ["cap_net_raw"]);
        let third = [3_u32 << 24, 0, 1, 0, 0, 1000].map(u32::to_le_bytes).concat();
        assert_eq!(names(&third).unwrap(), ["cap_chown"]);
        case(&attribute(0)).check("FS-002", Expect::Pass);
        case(&[]).check("FS-002", Expect::Pass);
        let cut = &attribute(1)[..19];
        let other = [4_u32 << 24, 0, 1, 0, 0].map(u32::to_le_bytes).concat();
        for unknown in [cut, &first[..8], &other, b"x", &[0xff; 32]] {
            case(unknown).check("FS-002", Expect::Unknown);
        }
    }
}
