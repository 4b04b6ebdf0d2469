//! What CI systems say of a job, and what Fulcio makes of it.
//!
//! <https://docs.github.com/en/actions/reference/security/oidc>, <https://docs.gitlab.com/ci/secrets/id_token_authentication/>,
//! <https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md>

use serde_json::{Map, Value, json};

/// Issuer of GitHub's tokens.
pub const GITHUB: &str = "https://token.actions.githubusercontent.com";
/// Issuer of GitLab's tokens.
pub const GITLAB: &str = "https://gitlab.com";
/// Commit in all claims.
pub const COMMIT: &str = "d2f3c1a4b5968778695a4b3c2d1e0f0011223344";

/// The claims of a token.
#[derive(Debug, Clone, PartialEq)]
pub struct Claims(Map<String, Value>);

impl Claims {
    /// Those of a job of `.github/workflows/release.yml` on `main`, in a public repository `owner/name`.
    pub fn github(repository: &str) -> Self {
        let (owner, _) = repository.split_once('/').unwrap_or((repository, ""));
        let workflow = format!("{repository}/.github/workflows/release.yml@refs/heads/main");
        Self::of(json!({
            "iss": GITHUB,
            "sub": format!("repo:{repository}:ref:refs/heads/main"),
            "aud": "sigstore",
            "jti": "7b5c2f0e-3a51-4c58-9b53-6f2a0c8f4a10",
            "ref": "refs/heads/main",
            "ref_type": "branch",
            "ref_protected": "true",
            "sha": COMMIT,
            "repository": repository,
            "repository_owner": owner,
            "repository_id": "712345678",
            "repository_owner_id": "912345",
            "repository_visibility": "public",
            "run_id": "8123456789",
            "run_number": "42",
            "run_attempt": "1",
            "actor": "octocat",
            "actor_id": "583231",
            "workflow": "release",
            "workflow_ref": workflow,
            "workflow_sha": COMMIT,
            "job_workflow_ref": workflow,
            "job_workflow_sha": COMMIT,
            "event_name": "push",
            "head_ref": "",
            "base_ref": "",
            "runner_environment": "github-hosted",
        }))
    }

    /// Those of a job of `.gitlab-ci.yml` on `main`, in a public project `group/name`.
    pub fn gitlab(project: &str) -> Self {
        let (group, _) = project.rsplit_once('/').unwrap_or((project, ""));
        Self::of(json!({
            "iss": GITLAB,
            "sub": format!("project_path:{project}:ref_type:branch:ref:main"),
            "aud": "sigstore",
            "jti": "6a2b3f0e-7b11-4a68-8c4d-0b7c2f6f9d21",
            "namespace_id": "72",
            "namespace_path": group,
            "project_id": "20",
            "project_path": project,
            "project_visibility": "public",
            "user_id": "1",
            "user_login": "sample-user",
            "user_email": "sample-user@example.com",
            "pipeline_id": "574",
            "pipeline_source": "push",
            "job_id": "302",
            "ref": "main",
            "ref_type": "branch",
            "ref_path": "refs/heads/main",
            "ref_protected": "true",
            "sha": COMMIT,
            "runner_id": 1,
            "runner_environment": "gitlab-hosted",
            "ci_config_ref_uri": format!("gitlab.com/{project}//.gitlab-ci.yml@refs/heads/main"),
            "ci_config_sha": COMMIT,
        }))
    }

    /// The same with one claim set.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// The same without one claim.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }

    pub(super) fn of(claims: Value) -> Self {
        let Value::Object(claims) = claims else { return Self(Map::new()) };
        Self(claims)
    }

    pub(super) fn to_value(&self) -> Value {
        Value::Object(self.0.clone())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A claim that is a text.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// A point in time.
    pub(super) fn seconds(&self, name: &str) -> Option<i64> {
        self.0.get(name).and_then(Value::as_i64)
    }

    /// The name that certificates give the job.
    pub fn identity(&self) -> String {
        match self.text("iss") {
            GITLAB => format!("https://{}", self.text("ci_config_ref_uri")),
            _ => format!("https://github.com/{}", self.text("job_workflow_ref")),
        }
    }

    /// Whom the token is about: what Fulcio wants signed to prove that the key is held.
    pub fn subject(&self) -> &str {
        self.text("sub")
    }

    /// Fulcio's extensions below 1.3.6.1.4.1.57264.1 whose value is a DER text, each with its last number.
    pub(super) fn extensions(&self) -> Vec<(u8, String)> {
        let mut extensions = match self.text("iss") {
            GITLAB => self.gitlab_extensions(),
            _ => self.github_extensions(),
        };
        extensions.push((8, self.text("iss").to_owned()));
        extensions.push((24, self.text("sub").to_owned()));
        extensions.sort();
        extensions
    }

    /// The extensions of old, whose value is the bare text: of GitHub all six, of others the issuer.
    pub(super) fn bare_extensions(&self) -> Vec<(u8, String)> {
        let mut extensions = vec![(1, self.text("iss").to_owned())];
        if self.text("iss") == GITHUB {
            let claims =
                [(2, "event_name"), (3, "sha"), (4, "workflow"), (5, "repository"), (6, "ref")];
            extensions.extend(claims.map(|(number, claim)| (number, self.text(claim).to_owned())));
        }
        extensions
    }

    fn github_extensions(&self) -> Vec<(u8, String)> {
        let at = |path: &str| format!("https://github.com/{path}");
        let text = |claim: &str| self.text(claim).to_owned();
        let repository = self.text("repository");
        let run = format!(
            "{repository}/actions/runs/{}/attempts/{}",
            self.text("run_id"),
            self.text("run_attempt")
        );
        let mut extensions = vec![
            (9, at(self.text("job_workflow_ref"))),
            (10, text("job_workflow_sha")),
            (11, text("runner_environment")),
            (12, at(repository)),
            (13, text("sha")),
            (14, text("ref")),
            (15, text("repository_id")),
            (16, at(self.text("repository_owner"))),
            (17, text("repository_owner_id")),
            (18, at(self.text("workflow_ref"))),
            (19, text("workflow_sha")),
            (20, text("event_name")),
            (21, at(&run)),
            (22, text("repository_visibility")),
        ];
        if self.has("environment") {
            extensions.push((23, text("environment")));
        }
        extensions
    }

    fn gitlab_extensions(&self) -> Vec<(u8, String)> {
        let at = |path: &str| format!("https://gitlab.com/{path}");
        let text = |claim: &str| self.text(claim).to_owned();
        let configuration = self.identity();
        let job = format!("{}/-/jobs/{}", self.text("project_path"), self.text("job_id"));
        let mut extensions = vec![
            (9, configuration.clone()),
            (10, text("ci_config_sha")),
            (11, text("runner_environment")),
            (12, at(self.text("project_path"))),
            (13, text("sha")),
            (14, text("ref_path")),
            (15, text("project_id")),
            (16, at(self.text("namespace_path"))),
            (17, text("namespace_id")),
            (18, configuration),
            (19, text("ci_config_sha")),
            (20, text("pipeline_source")),
            (21, at(&job)),
            (22, text("project_visibility")),
        ];
        if self.has("environment") {
            extensions.push((23, text("environment")));
        }
        extensions
    }
}
