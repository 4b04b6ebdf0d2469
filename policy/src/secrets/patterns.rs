//! What secrets look like, by what their providers publish of them. Each pattern is written for this program.

use super::{
    plausible::{self, Check},
    shape::Shape,
};

/// What one kind of secret looks like.
#[derive(Debug)]
pub struct Pattern {
    /// Its name, in reports and in the layer cache.
    pub id: &'static str,
    /// What it is, for people, with its article.
    pub title: &'static str,
    /// One of these is in it or before it, in any case; the pattern is tried nowhere else. Of a token it is the public
    /// prefix, whose first characters may be shown.
    pub(super) keywords: &'static [&'static str],
    /// What follows from the keyword on. The first group is the secret, without one all of it.
    pub(super) regex: &'static str,
    /// How far before the keyword it may begin.
    pub(super) back: usize,
    /// How it stands to its keyword.
    pub(super) shape: Shape,
    /// The least bits of entropy for each character of the secret.
    pub(super) entropy: f64,
    /// What else has to hold: a checksum in it, where its provider puts one there.
    pub(super) check: Check,
    /// How sure it is.
    pub certainty: Certainty,
}

/// How sure it is that what looks like a secret is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// Nothing else looks like it.
    Certain,
    /// It may as well be public, a sample, or no secret at all.
    Likely,
}

const fn token(
    id: &'static str,
    title: &'static str,
    keywords: &'static [&'static str],
    regex: &'static str,
) -> Pattern {
    Pattern {
        id,
        title,
        keywords,
        regex,
        back: 0,
        shape: Shape::Token,
        entropy: 3.0,
        check: plausible::anything,
        certainty: Certainty::Certain,
    }
}

/// A secret that is known by the name of what it is assigned to.
const fn assigned(
    id: &'static str,
    title: &'static str,
    keywords: &'static [&'static str],
    regex: &'static str,
) -> Pattern {
    Pattern { shape: Shape::Assigned, ..token(id, title, keywords, regex) }
}

const fn likely(pattern: &Pattern) -> Pattern {
    Pattern { certainty: Certainty::Likely, ..*pattern }
}

/// A name, and the sign by which a value is assigned to it.
macro_rules! name {
    () => {
        r#"[\w.\-]{2,60}["']?\s{0,3}(?:=>?|:=?)\s{0,3}"#
    };
}

/// How the pattern of a value that is assigned to a name begins.
#[cfg(test)]
pub(super) const NAME: &str = name!();

/// A name, then how a value is assigned to it, then the value.
macro_rules! value {
    ($value:literal) => {
        concat!(name!(), r#"["']?("#, $value, ")")
    };
}

/// A private key in PEM, or in the armour of PGP.
pub(crate) const PRIVATE_KEY: &str = "private-key";
/// Something that is called a secret, with a value like one.
pub(super) const GENERIC: &str = "assigned-secret";
/// A password in an address.
pub(crate) const URL: &str = "url-password";

/// All patterns, in documentation order.
pub const PATTERNS: &[Pattern] = &[
    Pattern {
        shape: Shape::Mark,
        entropy: 3.5,
        ..token(
            PRIVATE_KEY,
            "a private key",
            &["-----BEGIN "],
            r#"-----BEGIN (?:[A-Z0-9]{2,10} ){0,2}PRIVATE KEY(?: BLOCK)?-----(?:[\s"'+,]|\\[nr]|[A-Za-z\-]{4,20}: [^\n]{0,100}\n){1,24}([A-Za-z0-9+/]{40,})"#,
        )
    },
    // Amazon: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids>.
    token("aws-access-key", "an access key of AWS", &["AKIA", "ASIA"], r"A[KS]IA[A-Z2-7]{16}"),
    Pattern {
        entropy: 4.0,
        ..assigned(
            "aws-secret-key",
            "a secret key of AWS",
            &["aws_secret", "secret_access_key", "secretaccesskey", "aws_sec"],
            value!(r"[A-Za-z0-9/+]{40}"),
        )
    },
    // Google: keys of the web are often meant to be public.
    likely(&token("google-api-key", "an API key of Google", &["AIza"], r"AIza[0-9A-Za-z_\-]{35}")),
    token(
        "google-oauth-secret",
        "an OAuth client secret of Google",
        &["GOCSPX-"],
        r"GOCSPX-[0-9A-Za-z_\-]{28}",
    ),
    Pattern {
        entropy: 4.0,
        ..token(
            "google-refresh-token",
            "a refresh token of Google",
            &["1//0"],
            r"1//0[0-9A-Za-z_\-]{40,200}",
        )
    },
    likely(&token(
        "google-access-token",
        "an access token of Google",
        &["ya29."],
        r"ya29\.[0-9A-Za-z_\-]{30,1000}",
    )),
    // Microsoft.
    Pattern {
        shape: Shape::Mark,
        entropy: 4.0,
        ..token(
            "azure-storage-key",
            "an account key of Azure Storage",
            &["AccountKey="],
            r"AccountKey=([A-Za-z0-9+/]{86}==)",
        )
    },
    Pattern {
        shape: Shape::Mark,
        ..token(
            "azure-shared-key",
            "a shared access key of Azure",
            &["SharedAccessKey="],
            r"SharedAccessKey=([A-Za-z0-9+/]{43}=)",
        )
    },
    Pattern {
        back: 4,
        entropy: 3.5,
        ..token(
            "azure-client-secret",
            "a client secret of Microsoft Entra",
            &["Q~"],
            r"[0-9A-Za-z_~.]{3}[0-9]Q~[0-9A-Za-z_~.\-]{31,34}",
        )
    },
    // GitHub: <https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/>.
    Pattern {
        check: plausible::crc32_base62,
        ..token(
            "github-token",
            "a token of GitHub",
            &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
            r"gh[pousr]_[0-9A-Za-z]{36}",
        )
    },
    token(
        "github-fine-grained-token",
        "a token of GitHub",
        &["github_pat_"],
        r"github_pat_[0-9A-Za-z]{22}_[0-9A-Za-z]{59}",
    ),
    // GitLab: <https://docs.gitlab.com/security/tokens/#token-prefixes>.
    token(
        "gitlab-token",
        "a token of GitLab",
        &[
            "glpat-",
            "gldt-",
            "glrt-",
            "glrtr-",
            "glcbt-",
            "glptt-",
            "glft-",
            "glimt-",
            "glagent-",
            "glsoat-",
            "gloas-",
            "glffct-",
            "GR1348941",
        ],
        r"(?:gl(?:pat|dt|rtr?|cbt|ptt|ft|imt|agent|soat|oas|ffct)-[0-9A-Za-z_\-]{20,300}(?:\.[0-9a-z]{2}\.?[0-9a-z]{7,9})?|GR1348941[0-9A-Za-z_\-]{20})",
    ),
    // Slack: <https://docs.slack.dev/authentication/tokens>.
    token(
        "slack-token",
        "a token of Slack",
        &["xoxa-", "xoxb-", "xoxe-", "xoxo-", "xoxp-", "xoxr-", "xoxs-"],
        r"xox[abeoprs]-[0-9]{1,15}-[0-9A-Za-z\-]{20,255}",
    ),
    token(
        "slack-app-token",
        "an app token of Slack",
        &["xapp-"],
        r"xapp-[0-9]-[0-9A-Z]{8,15}-[0-9]{8,15}-[0-9a-f]{64}",
    ),
    Pattern {
        shape: Shape::Mark,
        ..token(
            "slack-webhook",
            "a webhook of Slack",
            &["hooks.slack.com/"],
            r"hooks\.slack\.com/(?:services|workflows|triggers)/(T[0-9A-Z]{7,12}/[0-9A-Z]{7,20}/[0-9A-Za-z]{20,40})",
        )
    },
    token(
        "stripe-key",
        "a secret key of Stripe",
        &["sk_live_", "rk_live_"],
        r"[rs]k_live_[0-9A-Za-z]{24,247}",
    ),
    likely(&token(
        "stripe-test-key",
        "a test key of Stripe",
        &["sk_test_", "rk_test_"],
        r"[rs]k_test_[0-9A-Za-z]{24,247}",
    )),
    token(
        "stripe-webhook-secret",
        "a webhook secret of Stripe",
        &["whsec_"],
        r"whsec_[0-9A-Za-z+/]{32,64}",
    ),
    assigned("twilio-token", "an auth token of Twilio", &["twilio"], value!(r"[0-9a-f]{32}")),
    token(
        "sendgrid-key",
        "a key of SendGrid",
        &["SG."],
        r"SG\.[0-9A-Za-z_\-]{22}\.[0-9A-Za-z_\-]{43}",
    ),
    // npm: <https://github.blog/changelog/2021-09-23-npm-has-a-new-access-token-format/>.
    Pattern {
        check: plausible::crc32_base62,
        ..token("npm-token", "a token of npm", &["npm_"], r"npm_[0-9A-Za-z]{36}")
    },
    assigned(
        "npm-legacy-token",
        "a token of npm",
        &["_authToken"],
        r#"_authToken["']?\s{0,3}[=:]\s{0,3}["']?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"#,
    ),
    // PyPI: <https://docs.pypi.org/api/secrets/>: a macaroon, which names its location.
    token(
        "pypi-token",
        "a token of PyPI",
        &["pypi-AgEIcHlwaS5vcmc", "pypi-AgENdGVzdC5weXBpLm9yZ"],
        r"pypi-AgE[0-9A-Za-z_\-]{60,1000}",
    ),
    token("rubygems-key", "a key of RubyGems", &["rubygems_"], r"rubygems_[0-9a-f]{48}"),
    token("crates-io-token", "a token of crates.io", &["cio"], r"cio[0-9A-Za-z]{32}"),
    token("nuget-key", "a key of NuGet", &["oy2"], r"oy2[0-9a-z]{43}"),
    token(
        "docker-hub-token",
        "a token of Docker Hub",
        &["dckr_pat_", "dckr_oat_"],
        r"dckr_[po]at_[0-9A-Za-z_\-]{27,40}",
    ),
    token(
        "digitalocean-token",
        "a token of DigitalOcean",
        &["dop_v1_", "doo_v1_", "dor_v1_"],
        r"do[opr]_v1_[0-9a-f]{64}",
    ),
    token("heroku-key", "a key of Heroku", &["HRKU-"], r"HRKU-[0-9A-Za-z_\-]{36,64}"),
    assigned(
        "heroku-legacy-key",
        "a key of Heroku",
        &["heroku"],
        value!(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
    ),
    token(
        "age-key",
        "a secret key of age",
        &["AGE-SECRET-KEY-1"],
        r"AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}",
    ),
    // Vault: <https://developer.hashicorp.com/vault/docs/concepts/tokens#token-prefixes>.
    token(
        "vault-token",
        "a token of Vault",
        &["hvs.", "hvb.", "hvr."],
        r"hv[sbr]\.[0-9A-Za-z_\-]{24,300}",
    ),
    Pattern {
        back: 14,
        ..token(
            "terraform-token",
            "a token of HCP Terraform",
            &[".atlasv1."],
            r"[0-9A-Za-z]{14}\.atlasv1\.[0-9A-Za-z_=\-]{60,70}",
        )
    },
    token(
        "databricks-token",
        "a token of Databricks",
        &["dapi", "dose"],
        r"(?:dapi|dose)[0-9a-f]{32}(?:-[0-9])?",
    ),
    token(
        "openai-key",
        "a key of OpenAI",
        &["sk-"],
        r"sk-(?:(?:proj|svcacct|admin|None)-)?[0-9A-Za-z_\-]{20,100}T3BlbkFJ[0-9A-Za-z_\-]{20,100}",
    ),
    token(
        "anthropic-key",
        "a key of Anthropic",
        &["sk-ant-"],
        r"sk-ant-[a-z]{3,6}[0-9]{2}-[0-9A-Za-z_\-]{80,120}",
    ),
    token("openrouter-key", "a key of OpenRouter", &["sk-or-v1-"], r"sk-or-v1-[0-9a-f]{64}"),
    token(
        "hugging-face-token",
        "a token of Hugging Face",
        &["hf_", "api_org_"],
        r"(?:hf|api_org)_[A-Za-z]{34}",
    ),
    token("groq-key", "a key of Groq", &["gsk_"], r"gsk_[0-9A-Za-z]{52}"),
    token("xai-key", "a key of xAI", &["xai-"], r"xai-[0-9A-Za-z]{80}"),
    token("replicate-token", "a token of Replicate", &["r8_"], r"r8_[0-9A-Za-z]{37}"),
    token("perplexity-key", "a key of Perplexity", &["pplx-"], r"pplx-[0-9A-Za-z]{48}"),
    token(
        "langsmith-key",
        "a key of LangSmith",
        &["lsv2_"],
        r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}",
    ),
    // Telegram: <https://core.telegram.org/bots/api#authorizing-your-bot>.
    Pattern {
        back: 10,
        ..token(
            "telegram-token",
            "a bot token of Telegram",
            &[":AA"],
            r"[0-9]{8,10}:AA[0-9A-Za-z_\-]{33}",
        )
    },
    Pattern {
        shape: Shape::Mark,
        ..token(
            "discord-webhook",
            "a webhook of Discord",
            &["/api/webhooks/"],
            r"/api/webhooks/([0-9]{17,20}/[0-9A-Za-z_\-]{60,80})",
        )
    },
    assigned(
        "discord-token",
        "a bot token of Discord",
        &["discord"],
        value!(r"[MNO][0-9A-Za-z_\-]{23,25}\.[0-9A-Za-z_\-]{6}\.[0-9A-Za-z_\-]{27,38}"),
    ),
    token(
        "shopify-token",
        "a token of Shopify",
        &["shpat_", "shpca_", "shppa_", "shpss_"],
        r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",
    ),
    token(
        "square-token",
        "a token of Square",
        &["EAAA", "sq0csp-", "sq0atp-"],
        r"(?:EAAA[0-9A-Za-z_\-]{60}|sq0csp-[0-9A-Za-z_\-]{43}|sq0atp-[0-9A-Za-z_\-]{22})",
    ),
    token("mailgun-key", "a key of Mailgun", &["key-"], r"key-[0-9a-f]{32}"),
    assigned(
        "mailchimp-key",
        "a key of Mailchimp",
        &["mailchimp"],
        value!(r"[0-9a-f]{32}-us[0-9]{1,2}"),
    ),
    token("brevo-key", "a key of Brevo", &["xkeysib-"], r"xkeysib-[0-9a-f]{64}-[0-9A-Za-z]{16}"),
    assigned(
        "datadog-key",
        "a key of Datadog",
        &["datadog", "dd_api", "dd_app"],
        value!(r"(?:[0-9a-f]{40}|[0-9a-f]{32})"),
    ),
    token(
        "new-relic-key",
        "a key of New Relic",
        &["NRAK-", "NRII-"],
        r"(?:NRAK-[0-9A-Z]{27}|NRII-[0-9A-Za-z_\-]{32})",
    ),
    Pattern {
        back: 36,
        ..token("new-relic-license", "a license key of New Relic", &["NRAL"], r"[0-9a-f]{36}NRAL")
    },
    token(
        "grafana-token",
        "a token of Grafana",
        &["glsa_", "glc_eyJ"],
        r"(?:glsa_[0-9A-Za-z]{32}_[0-9a-fA-F]{8}|glc_eyJ[0-9A-Za-z+/]{60,400}={0,2})",
    ),
    // Sentry: <https://docs.sentry.io/security-legal-pii/security/token-formats/>.
    token(
        "sentry-token",
        "a token of Sentry",
        &["sntryu_", "sntrys_eyJ"],
        r"(?:sntryu_[0-9a-f]{64}|sntrys_eyJ[0-9A-Za-z+/=_]{80,1000})",
    ),
    token("linear-key", "a key of Linear", &["lin_api_"], r"lin_api_[0-9A-Za-z]{40}"),
    token(
        "atlassian-token",
        "a token of Atlassian",
        &["ATATT3", "ATCTT3", "ATBB"],
        r"(?:AT[AC]TT3[0-9A-Za-z_\-=]{150,250}|ATBB[0-9A-Za-z]{32})",
    ),
    // Cloudflare: <https://developers.cloudflare.com/fundamentals/api/get-started/token-formats/>.
    token(
        "cloudflare-token",
        "a token of Cloudflare",
        &["cfk_", "cfut_", "cfat_"],
        r"cf(?:k|ut|at)_[0-9A-Za-z]{41,60}",
    ),
    token(
        "cloudflare-origin-key",
        "an origin CA key of Cloudflare",
        &["v1.0-"],
        r"v1\.0-[0-9a-f]{24}-[0-9a-f]{146}",
    ),
    Pattern {
        entropy: 4.0,
        ..assigned(
            "cloudflare-legacy-token",
            "a token of Cloudflare",
            &["cloudflare", "cf_api"],
            value!(r"[0-9A-Za-z_\-]{40}"),
        )
    },
    Pattern {
        entropy: 4.0,
        ..assigned("fastly-token", "a token of Fastly", &["fastly"], value!(r"[0-9A-Za-z_\-]{32}"))
    },
    assigned("okta-token", "a token of Okta", &["okta"], value!(r"00[0-9A-Za-z_\-]{40}")),
    token(
        "doppler-token",
        "a token of Doppler",
        &["dp.pt.", "dp.ct.", "dp.st.", "dp.sa.", "dp.scim.", "dp.audit."],
        r"dp\.(?:pt|ct|st|sa|scim|audit)\.(?:[0-9a-z_\-]{2,35}\.)?[0-9A-Za-z]{40,44}",
    ),
    token("postman-key", "a key of Postman", &["PMAK-"], r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    token("pulumi-token", "a token of Pulumi", &["pul-"], r"pul-[0-9a-f]{40}"),
    token("artifactory-key", "a key of Artifactory", &["AKCp"], r"AKCp[0-9A-Za-z]{69,90}"),
    token(
        "circleci-token",
        "a token of CircleCI",
        &["CCIPAT_", "CCIPRJ_"],
        r"CCI(?:PAT|PRJ)_[0-9A-Za-z]{22}_[0-9a-f]{40}",
    ),
    token("buildkite-token", "a token of Buildkite", &["bkua_"], r"bkua_[0-9a-f]{40}"),
    token("netlify-token", "a token of Netlify", &["nfp_"], r"nfp_[0-9A-Za-z]{36}"),
    token("supabase-token", "a token of Supabase", &["sbp_"], r"sbp_[0-9a-f]{40}"),
    token(
        "planetscale-token",
        "a token of PlanetScale",
        &["pscale_tkn_", "pscale_pw_", "pscale_oauth_"],
        r"pscale_(?:tkn|pw|oauth)_[0-9A-Za-z_=.\-]{32,64}",
    ),
    token("notion-token", "a token of Notion", &["ntn_"], r"ntn_[0-9A-Za-z]{40,50}"),
    token("figma-token", "a token of Figma", &["figd_"], r"figd_[0-9A-Za-z_\-]{40}"),
    token("airtable-token", "a token of Airtable", &["pat"], r"pat[0-9A-Za-z]{14}\.[0-9a-f]{64}"),
    token(
        "hubspot-token",
        "a token of HubSpot",
        &["pat-na", "pat-eu"],
        r"pat-(?:na|eu)[0-9]-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ),
    token(
        "dynatrace-token",
        "a token of Dynatrace",
        &["dt0"],
        r"dt0[a-z][0-9]{2}\.[0-9A-Z]{24}\.[0-9A-Z]{64}",
    ),
    token("contentful-token", "a token of Contentful", &["CFPAT-"], r"CFPAT-[0-9A-Za-z_\-]{43}"),
    token(
        "sonarqube-token",
        "a token of SonarQube",
        &["sqp_", "squ_", "sqa_"],
        r"sq[pua]_[0-9a-f]{40}",
    ),
    token(
        "tailscale-key",
        "a key of Tailscale",
        &["tskey-"],
        r"tskey-(?:auth|api|client|scim|webhook)-[0-9A-Za-z]{8,20}-[0-9A-Za-z]{20,64}",
    ),
    token(
        "fly-token",
        "a token of Fly.io",
        &["fm1_", "fm2_", "fo1_"],
        r"(?:fm[12]_[0-9A-Za-z+/=]{100,1000}|fo1_[0-9A-Za-z_\-]{43})",
    ),
    token(
        "mapbox-token",
        "a secret token of Mapbox",
        &["sk.eyJ"],
        r"sk\.eyJ[0-9A-Za-z_\-]{60,200}\.[0-9A-Za-z_\-]{22}",
    ),
    token(
        "onepassword-token",
        "a service account token of 1Password",
        &["ops_eyJ"],
        r"ops_eyJ[0-9A-Za-z_\-+/=]{200,1500}",
    ),
    token("alibaba-key", "an access key of Alibaba Cloud", &["LTAI"], r"LTAI[0-9A-Za-z]{20}"),
    token("tencent-key", "a secret id of Tencent Cloud", &["AKID"], r"AKID[0-9A-Za-z]{32}"),
    Pattern {
        shape: Shape::Mark,
        ..token(
            "braintree-token",
            "an access token of Braintree",
            &["access_token$production$"],
            r"access_token\$production\$([0-9a-z]{16}\$[0-9a-f]{32})",
        )
    },
    // RFC 7519. Many are long expired, or say what anybody may know.
    Pattern {
        check: plausible::json_web_token,
        ..likely(&token(
            "json-web-token",
            "a JSON web token",
            &["eyJ"],
            r"eyJ[0-9A-Za-z_\-]{10,500}\.eyJ[0-9A-Za-z_\-]{10,1200}\.[0-9A-Za-z_\-]{20,800}",
        ))
    },
    // RFC 3986, userinfo.
    Pattern {
        shape: Shape::Address,
        entropy: 1.5,
        check: plausible::no_common_password,
        ..likely(&assigned(
            URL,
            "a password in an address",
            &["://"],
            r#"://[^\s:/@'"`<>?#\\{}()$%|]{0,64}:([^\s:/@'"`<>{}()$\\|]{6,128})@[0-9A-Za-z.\-\[]"#,
        ))
    },
    Pattern {
        entropy: 3.2,
        check: plausible::no_word,
        ..likely(&assigned(
            GENERIC,
            "a value that is called a secret",
            &[
                "password",
                "passwd",
                "secret",
                "token",
                "api_key",
                "apikey",
                "api-key",
                "access_key",
                "accesskey",
                "credential",
                "passphrase",
            ],
            concat!(
                name!(),
                r#"(?:["']([^\s"'`<>{}()$\\]{8,128})["']|([0-9A-Za-z+/=_.~!@#%^&*\-]{12,128}))"#
            ),
        ))
    },
];
