//! The rules: one file each, which exports what `explain` says of it and the function that judges.

use crate::{
    compose::{self, Project},
    configs::Config,
    decide::{Action, UseOfExceptions},
    dockerfile::Build,
    exceptions::Exception,
    facts::Facts,
    inline::Inlines,
    kubernetes::Cluster,
    policy::{ParameterValue, Policy},
    vex::judge::{self, Cleared, Judgement},
};
use jiff::Timestamp;
use plimsoll_model::{
    Finding, Purl, Severity,
    finding::{Outcome, Place, Vulnerability},
};

pub use rule::{About, Parameter, ParameterKind, Rule};
pub(crate) use secrets::is_harmless;

/// What findings about correctness come to (DF-120 to DF-135): who checks a Dockerfile sees them, and no gate turns on them. That
/// needs no notion of rules that are only asked for: the policy raises single ones to `warn` or `deny`, or turns them off.
const CORRECTNESS: Action = Action::Inform;

mod accounts;
mod attested_base;
mod commands;
mod configs;
mod copied_credentials;
mod downloads;
mod globs;
mod inputs;
mod job_commands;
mod layers;
mod manifests;
mod modes;
mod network;
mod options;
mod packages;
mod ports;
mod registry;
mod repositories;
mod rule;
mod secret_files;
mod secrets;
mod services;
mod statements;
mod texts;

macro_rules! rules {
    ($($module:ident),* $(,)?) => {
        $(mod $module;)*
        /// Every rule, in documentation order.
        pub const ALL: &[&Rule] = &[$(&$module::RULE),*];
        #[cfg(test)]
        const FILES: &[&str] = &[$(stringify!($module)),*];
    };
}
rules! {
    att_001_sbom_missing,
    att_002_provenance_missing,
    att_003_source_not_as_expected,
    att_004_parameter_not_allowed,
    att_005_build_not_hermetic,
    att_009_scan_too_old,
    att_010_sbom_differs,
    att_011_level_not_reached,
    att_012_tests_missing,
    att_013_dependencies_disagree,
    base_001_base_not_approved,
    base_002_unresolved_reference,
    base_003_malformed_reference,
    base_004_short_name,
    base_010_untagged,
    base_011_floating_tag,
    base_012_not_pinned_by_digest,
    base_013_stale_pin,
    base_020_untrusted_source,
    base_021_blocked_image,
    base_022_insecure_registry,
    base_025_untrusted_frontend,
    base_026_parent_runs,
    base_027_added_from_elsewhere,
    base_030_look_alike,
    base_031_official_elsewhere,
    base_032_not_official,
    base_040_retired_image,
    base_041_unsupported_tag,
    base_042_base_too_old,
    base_043_newer_approved,
    base_044_approval_expired,
    base_045_patched_in_place,
    base_050_base_unknown,
    base_051_base_contradicted,
    base_052_flattened,
    base_053_publisher_signature,
    base_054_base_gate,
    cmp_001_privileged,
    cmp_002_runtime_socket,
    cmp_003_system_directory,
    cmp_004_runtime_over_tcp,
    cmp_005_host_namespaces,
    cmp_006_capabilities,
    cmp_007_confinement,
    cmp_008_no_limits,
    cmp_009_writable_root,
    cmp_010_user_is_root,
    cmp_011_open_port,
    cmp_012_healthcheck_missing,
    cmp_013_restart_without_bound,
    cmp_014_no_segmentation,
    cmp_015_devices_of_the_host,
    cmp_016_build_privileges,
    cmp_017_default_credentials,
    cmp_018_stale_pull,
    cmp_019_open_console,
    cmp_020_logging_off,
    cmp_021_not_read,
    df_001_does_not_parse,
    df_020_final_user_is_root,
    df_021_user_not_created,
    df_022_user_not_numeric,
    df_023_primary_group_is_root,
    df_024_sudo,
    df_025_root_at_start,
    df_030_healthcheck_missing,
    df_031_healthcheck_always_passes,
    df_032_several_healthchecks,
    df_033_healthcheck_unbounded,
    df_040_apt_lists_left,
    df_041_package_cache_left,
    df_042_recommends_installed,
    df_043_packages_not_pinned,
    df_044_update_alone,
    df_045_blanket_upgrade,
    df_046_install_asks,
    df_047_tools_in_image,
    df_048_sshd,
    df_060_add_local,
    df_061_add_unverified,
    df_062_plain_http,
    df_063_download_unverified,
    df_064_download_piped_to_interpreter,
    df_065_pipe_without_pipefail,
    df_066_tls_unchecked,
    df_067_signatures_unchecked,
    df_068_key_unbounded,
    df_080_exposes_ssh,
    df_081_exposes_docker_api,
    df_082_port_out_of_range,
    df_083_privileged_port,
    df_090_volume_on_system_directory,
    df_091_runtime_socket,
    df_092_workdir,
    df_100_set_user_id,
    df_101_world_writable,
    df_102_code_owned_by_runtime_user,
    df_110_privileged_step,
    df_111_host_network,
    df_112_secret_written_to_layer,
    df_113_onbuild_runs,
    df_114_weakening_environment,
    df_120_duplicate_stage_name,
    df_121_copy_from_itself,
    df_122_copy_of_several_into_file,
    df_123_several_commands,
    df_124_command_in_shell_form,
    df_125_maintainer,
    df_126_cd_instead_of_workdir,
    df_127_wget_and_curl,
    df_128_env_refers_to_itself,
    df_129_relative_copy_without_workdir,
    df_130_unknown_stage,
    df_131_platform_of_from,
    df_132_reserved_stage_name,
    df_133_whole_image_copied,
    df_134_useradd_with_large_id,
    df_135_labels,
    dmn_001_daemon_exposed,
    dmn_002_daemon_defaults,
    dmn_010_job_with_the_daemon,
    dmn_011_workflow_too_powerful,
    dmn_012_secret_in_build_argument,
    dmn_013_job_image,
    exc_001_incomplete,
    exc_002_expires_too_late,
    exc_003_expired,
    exc_004_expires_soon,
    exc_005_unused,
    exc_006_too_broad,
    exc_007_not_allowed_inline,
    exc_008_hadolint_pragma,
    flg_001_flagged,
    fs_001_set_id_program,
    fs_002_capabilities,
    fs_003_writable,
    fs_004_accounts,
    fs_005_ssh,
    fs_006_caches,
    fs_007_left_behind,
    fs_008_engine_access,
    fs_009_tools,
    fs_010_rewritten,
    fs_011_replaced,
    fs_012_devices,
    fs_013_unaccounted,
    fs_014_authorities,
    fs_015_repositories,
    fs_016_started,
    fs_017_too_many,
    img_001_user_is_root,
    img_002_healthcheck_missing,
    img_003_exposed_ports,
    img_004_volumes,
    img_005_on_build,
    img_006_entrypoint,
    img_007_labels,
    img_008_inherited,
    img_009_created,
    img_010_layers,
    img_011_index,
    k8s_001_privileged,
    k8s_002_host_namespace,
    k8s_003_host_path,
    k8s_004_runtime_socket,
    k8s_005_privilege_escalation,
    k8s_006_runs_as_root,
    k8s_007_low_user_id,
    k8s_008_capabilities,
    k8s_009_confinement,
    k8s_010_writable_root,
    k8s_011_no_limits,
    k8s_012_host_port,
    k8s_013_shared_namespace,
    k8s_014_service_account_token,
    k8s_015_no_security_context,
    k8s_020_no_network_policy,
    k8s_021_network_any_any,
    k8s_022_egress_open,
    k8s_023_network_policy_selects_nothing,
    k8s_024_metadata_reachable,
    k8s_025_service_exposed,
    k8s_030_rbac_too_wide,
    k8s_040_pull_policy,
    k8s_041_no_receipt,
    k8s_042_probes_missing,
    k8s_043_secret_in_environment,
    k8s_044_open_console,
    k8s_045_pod_security_level,
    k8s_046_does_not_parse,
    reg_001_no_tls,
    reg_002_anonymous_pull,
    reg_003_anonymous_push,
    reg_004_open_catalog,
    reg_005_tags_move,
    reg_006_no_referrers_api,
    reg_007_lies_about_digests,
    reg_008_lasting_credentials,
    reg_009_anonymous_delete,
    reg_010_build_may_approve,
    reg_011_collected,
    sec_001_secret_in_variable,
    sec_002_secret_value,
    sec_003_credential_file,
    sec_004_context_copied_whole,
    sec_005_credentials_in_address,
    sec_006_password_set,
    sec_007_secret_in_lower_layer,
    sec_008_secret_in_configuration,
    sec_009_literal_secret,
    sec_010_open_account,
    vul_001_advisories_unusable,
    vul_002_vulnerable_component,
    vul_003_new_finding,
    vul_004_not_evaluated,
    vul_005_malicious_component,
    vul_006_license_not_allowed,
    vul_007_vex_without_effect,
}

/// The rule with this id, whatever its case.
pub fn find(id: &str) -> Option<&'static Rule> {
    ALL.iter().copied().find(|rule| rule.id.eq_ignore_ascii_case(id))
}

/// The rules whose ids begin with this (`BASE-`); nothing where it is not the whole name of a family.
pub fn family(prefix: &str) -> impl Iterator<Item = &'static Rule> {
    let is_family = prefix.ends_with('-');
    ALL.iter().copied().filter(move |rule| is_family && rule.id.starts_with(prefix))
}

/// The families as policies name them (`BASE-*`), in documentation order.
pub fn families() -> Vec<String> {
    let mut families: Vec<String> = Vec::new();
    for rule in ALL {
        let family = rule.id.split_once('-').map(|(family, _)| format!("{family}-*"));
        families.extend(family.filter(|family| families.last() != Some(family)));
    }
    families
}

/// A finding, before the policy has said what it comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Raised {
    /// The finding.
    pub finding: Finding,
    /// What it comes to at most, whatever the policy sets for the rule.
    pub at_most: Action,
    /// The line of the policy file that it rests on, where that is not the one that sets the rule's action.
    pub policy_line: Option<u32>,
    /// Further components that it is about.
    pub also_about: Vec<Purl>,
    /// Further files that it is about.
    pub also_at: Vec<String>,
    /// The statement by which it is cleared.
    pub cleared: Option<Cleared>,
}

impl Raised {
    /// A finding that comes to whatever the policy sets.
    pub(crate) const fn of(finding: Finding) -> Self {
        Self {
            finding,
            at_most: Action::Deny,
            policy_line: None,
            also_about: Vec::new(),
            also_at: Vec::new(),
            cleared: None,
        }
    }

    pub(crate) fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.finding.remedy = remedy.into();
        self
    }

    pub(crate) fn with_severity(mut self, severity: Severity) -> Self {
        self.finding.severity = severity;
        self
    }

    pub(crate) fn with_vulnerability(mut self, vulnerability: Vulnerability) -> Self {
        self.finding.vulnerability = Some(Box::new(vulnerability));
        self
    }

    pub(crate) fn at_most(mut self, action: Action) -> Self {
        self.at_most = action;
        self
    }

    pub(crate) fn cleared_by(mut self, cleared: Option<&Cleared>) -> Self {
        self.cleared = cleared.cloned();
        self
    }

    pub(crate) fn by_line(mut self, line: Option<u32>) -> Self {
        self.policy_line = line;
        self
    }
}

/// Everything that all rules look at.
#[derive(Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) facts: &'a Facts<'a>,
    pub(crate) now: Timestamp,
    pub(crate) builds: Vec<Build>,
    pub(crate) configs: Vec<Config>,
    /// What the compose files come to.
    pub(crate) projects: Vec<Project>,
    /// What the manifests of Kubernetes describe.
    pub(crate) cluster: Cluster,
    /// What the VEX statements come to.
    pub(crate) vex: Judgement,
    /// Which exceptions findings met; empty until all other rules have been judged.
    pub(crate) exceptions_used: UseOfExceptions,
    /// The accepted findings: those of the policy, then those in Dockerfiles.
    pub(crate) exceptions: Vec<Exception>,
    /// What else the comments of Dockerfiles say.
    pub(crate) inlines: Inlines,
}

impl<'a> Subject<'a> {
    pub(crate) fn new(policy: &'a Policy, facts: &'a Facts<'a>, now: Timestamp) -> Self {
        let builds: Vec<_> = facts.dockerfiles.iter().map(|file| Build::of(file, facts)).collect();
        let mut inlines = Inlines::of(&builds);
        let own = std::mem::take(&mut inlines.exceptions);
        let exceptions = policy.exceptions().iter().cloned().chain(own).collect();
        let vex = match (facts.vex, facts.inventory, facts.scan) {
            (Some(vex), Some(inventory), Some(scan)) => {
                judge::judge(vex, (inventory, scan), policy.vex(), now)
            }
            _ => Judgement::default(),
        };
        let exceptions_used = UseOfExceptions::default();
        let configs = facts.configs.iter().map(Config::of).collect();
        let projects = compose::projects(facts);
        let cluster = Cluster::of(facts);
        Self {
            policy,
            facts,
            now,
            builds,
            configs,
            projects,
            cluster,
            vex,
            exceptions_used,
            exceptions,
            inlines,
        }
    }
}

/// What one rule looks at.
#[derive(Debug)]
pub struct RuleContext<'a> {
    pub(crate) rule: &'a Rule,
    pub(crate) subject: &'a Subject<'a>,
}

impl<'a> RuleContext<'a> {
    pub(crate) const fn policy(&self) -> &'a Policy {
        self.subject.policy
    }

    pub(crate) const fn facts(&self) -> &'a Facts<'a> {
        self.subject.facts
    }

    pub(crate) const fn now(&self) -> Timestamp {
        self.subject.now
    }

    pub(crate) fn builds(&self) -> &'a [Build] {
        &self.subject.builds
    }

    /// The accepted findings, expired ones included: those of the policy, then those in Dockerfiles.
    pub(crate) fn exceptions(&self) -> &'a [Exception] {
        &self.subject.exceptions
    }

    /// Settings of the daemon, and pipelines.
    pub(crate) fn configs(&self) -> &'a [Config] {
        &self.subject.configs
    }

    /// The compose projects.
    pub(crate) fn projects(&self) -> &'a [Project] {
        &self.subject.projects
    }

    /// What the manifests of Kubernetes describe.
    pub(crate) fn cluster(&self) -> &'a Cluster {
        &self.subject.cluster
    }

    /// Whether the policy itself sets the action of this rule.
    pub(crate) fn is_set(&self) -> bool {
        self.policy().rules.get(self.rule.id).is_some_and(|setting| setting.action.is_some())
    }

    pub(crate) fn number(&self, name: &str, default: i64) -> i64 {
        match self.policy().parameter(self.rule.id, name) {
            Some(ParameterValue::Number(number)) => *number,
            Some(ParameterValue::Texts(_)) | None => default,
        }
    }

    pub(crate) fn texts(&self, name: &str) -> &'a [String] {
        match self.policy().parameter(self.rule.id, name) {
            Some(ParameterValue::Texts(texts)) => texts,
            Some(ParameterValue::Number(_)) | None => &[],
        }
    }

    /// The defect is an exception.
    pub(crate) fn fail_exception(
        &self,
        exception: &Exception,
        title: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Raised {
        let line = exception.inline.is_none().then_some(exception.line);
        self.fail(exception.place(self.policy().path()), title, found, expected).by_line(line)
    }

    /// The defect is there.
    pub(crate) fn fail(
        &self,
        place: Place,
        title: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Raised {
        Raised::of(Finding {
            rule: self.rule.id,
            severity: self.rule.severity,
            outcome: Outcome::Fail,
            title: title.into(),
            place,
            found: found.into(),
            expected: expected.into(),
            remedy: self.rule.mend.to_owned(),
            vulnerability: None,
        })
    }

    /// It can not be told whether the defect is there.
    pub(crate) fn unknown(
        &self,
        place: Place,
        title: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Raised {
        let mut raised = self.fail(place, title, found, expected);
        raised.finding.outcome = Outcome::Unknown;
        raised
    }
}

impl Rule {
    /// Whether what it looks at is there.
    pub(crate) fn is_judged(&self, facts: &Facts<'_>) -> bool {
        self.about.iter().any(|about| match about {
            About::Image => facts.image.is_some(),
            About::Files => facts.files.is_some(),
            About::Dockerfiles => !facts.dockerfiles.is_empty(),
            About::Configs => !facts.configs.is_empty(),
            About::Compose => !facts.compose.is_empty(),
            About::Kubernetes => !facts.manifests.is_empty() || facts.recorded_manifests.is_some(),
            About::Registry => facts.registry.is_some(),
            About::Scan => facts.scan.is_some(),
            About::Evidence => facts.evidence.is_some(),
            About::Flags => facts.flags.is_some(),
            About::Exceptions => true,
        })
    }
}

#[cfg(test)]
pub(crate) mod testing;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_sorted_and_unique_and_name_their_files() {
        assert!(ALL.is_sorted_by(|left, right| left.id < right.id));
        for (rule, file) in ALL.iter().zip(FILES) {
            assert_eq!(rule.name, *file);
            let prefix = rule.id.to_lowercase().replace('-', "_");
            assert!(rule.name.starts_with(&format!("{prefix}_")), "{} {}", rule.id, rule.name);
            assert_eq!(find(&rule.id.to_lowercase()).map(|found| found.name), Some(rule.name));
            for text in [rule.title, rule.why, rule.mend, rule.bad, rule.good] {
                assert!(!text.is_empty(), "{}", rule.id);
            }
        }
        assert!(find("BASE-999").is_none());
    }
}
