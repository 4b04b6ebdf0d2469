use super::*;
use std::collections::BTreeSet;

/// Characters as a random generator might give them, the same every time.
fn fill(alphabet: &[u8], count: usize, state: &mut u64) -> String {
    let next = || {
        *state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let at = usize::try_from(*state >> 33).unwrap() % alphabet.len();
        char::from(alphabet[at])
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// A secret made at run time, so that there is none in this repository: `a{x40}` is `a` and 40 hexadecimal digits.
pub(crate) fn made(form: &str) -> String {
    let mut state = 7;
    let mut out = String::new();
    let mut rest = form;
    while let Some((before, after)) = rest.split_once('{') {
        let (what, after) = after.split_once('}').unwrap();
        let alphabet: &[u8] = match what.get(..1).unwrap() {
            "x" => b"0123456789abcdef",
            "d" => b"123456789",
            "U" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
            "L" => b"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
            "l" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
            "n" => b"0123456789abcdefghijklmnopqrstuvwxyz",
            "A" => b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
            other => panic!("{other}"),
        };
        out.push_str(before);
        out.push_str(&fill(alphabet, what.get(1..).unwrap().parse().unwrap(), &mut state));
        rest = after;
    }
    out.push_str(rest);
    out
}

/// A token of GitHub or npm whose checksum is right.
pub(crate) fn summed(prefix: &str) -> String {
    let body = made("{A30}");
    let mut sum = u64::from(crc32fast::hash(body.as_bytes()));
    let mut digits = Vec::new();
    for _ in 0..6 {
        let at = usize::try_from(sum % 62).unwrap();
        digits.push(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[at]);
        sum /= 62;
    }
    digits.reverse();
    format!("{prefix}{body}{}", String::from_utf8(digits).unwrap())
}

/// Of each pattern whose secrets are made alike a good example, and one that is not quite it.
const FORMS: &[(&str, &str, &str)] = &[
    ("aws-access-key", "AKIA{U16}", "AKIA{U9}EXAMPLE"),
    ("aws-secret-key", "aws_secret_access_key = {A40}", "aws_secret_access_key = {A39}"),
    ("google-api-key", "AIza{A35}", "AIza{A34}"),
    ("google-oauth-secret", "GOCSPX-{A28}", "GOCSPX-{A27}"),
    ("google-refresh-token", "1//0{A60}", "1//0{A20}"),
    ("google-access-token", "ya29.{A60}", "ya29.{A20}"),
    ("azure-storage-key", "AccountKey={A86}==", "AccountKey={A85}=="),
    ("azure-shared-key", "SharedAccessKey={A43}=", "SharedAccessKey={A42}="),
    ("azure-client-secret", "{A3}8Q~{A34}", "{A3}8Q~{A20}"),
    ("github-fine-grained-token", "github_pat_{A22}_{A59}", "github_pat_{A22}_{A58}"),
    ("gitlab-token", "glpat-{A20}", "glpat-{A19}"),
    ("slack-token", "xoxb-{d12}-{d12}-{A24}", "xoxb-{A10}"),
    ("slack-app-token", "xapp-1-{U11}-{d13}-{x64}", "xapp-1-{U11}-{d13}-{x63}"),
    (
        "slack-webhook",
        "https://hooks.slack.com/services/T{U8}/B{U8}/{A24}",
        "https://hooks.slack.com/services/",
    ),
    ("stripe-key", "sk_live_{A24}", "sk_live_{A9}"),
    ("stripe-test-key", "rk_test_{A24}", "pk_test_{A24}"),
    ("stripe-webhook-secret", "whsec_{A32}", "whsec_{A12}"),
    ("twilio-token", "TWILIO_AUTH_TOKEN={x32}", "TWILIO_AUTH_TOKEN={x31}"),
    ("sendgrid-key", "SG.{A22}.{A43}", "SG.{A22}.{A42}"),
    ("npm-legacy-token", "_authToken={x8}-{x4}-{x4}-{x4}-{x12}", "_authToken=$NPM"),
    ("pypi-token", "pypi-AgEIcHlwaS5vcmc{A90}", "pypi-AgEIcHlwaS5vcmc{A9}"),
    ("rubygems-key", "rubygems_{x48}", "rubygems_{x47}"),
    ("crates-io-token", "cio{A32}", "cio{A31}"),
    ("nuget-key", "oy2{n43}", "oy2{n42}"),
    ("docker-hub-token", "dckr_pat_{A27}", "dckr_pat_{A20}"),
    ("digitalocean-token", "dop_v1_{x64}", "dop_v1_{x63}"),
    ("heroku-key", "HRKU-{A60}", "HRKU-{A20}"),
    ("heroku-legacy-key", "HEROKU_API_KEY={x8}-{x4}-{x4}-{x4}-{x12}", "HEROKU_API_KEY={x8}"),
    ("age-key", "AGE-SECRET-KEY-1{L58}", "AGE-SECRET-KEY-1{L57}"),
    ("vault-token", "hvs.{A95}", "hvs.{A12}"),
    ("terraform-token", "{A14}.atlasv1.{A67}", "{A9}.atlasv1.{A67}"),
    ("databricks-token", "dapi{x32}", "dapi{x31}"),
    ("openai-key", "sk-proj-{A40}T3BlbkFJ{A40}", "sk-proj-{A40}{A40}"),
    ("anthropic-key", "sk-ant-api03-{A93}AA", "sk-ant-api03-{A20}"),
    ("openrouter-key", "sk-or-v1-{x64}", "sk-or-v1-{x63}"),
    ("hugging-face-token", "hf_{l34}", "hf_{l33}"),
    ("groq-key", "gsk_{A52}", "gsk_{A51}"),
    ("xai-key", "xai-{A80}", "xai-{A79}"),
    ("replicate-token", "r8_{A37}", "r8_{A36}"),
    ("perplexity-key", "pplx-{A48}", "pplx-{A47}"),
    ("langsmith-key", "lsv2_pt_{x32}_{x10}", "lsv2_pt_{x32}"),
    ("telegram-token", "{d9}:AA{A33}", "{d9}:AA{A32}"),
    (
        "discord-webhook",
        "https://discord.com/api/webhooks/{d18}/{A68}",
        "https://discord.com/api/webhooks/{d18}",
    ),
    ("discord-token", "DISCORD_TOKEN=M{A23}.{A6}.{A38}", "DISCORD_TOKEN=M{A23}.{A5}"),
    ("shopify-token", "shpat_{x32}", "shpat_{x31}"),
    ("square-token", "sq0csp-{A43}", "sq0csp-{A42}"),
    ("mailgun-key", "key-{x32}", "key-{x31}"),
    ("mailchimp-key", "MAILCHIMP_KEY={x32}-us12", "MAILCHIMP_KEY={x30}-us12"),
    ("brevo-key", "xkeysib-{x64}-{A16}", "xkeysib-{x64}"),
    ("datadog-key", "DD_API_KEY={x32}", "DD_API_KEY={x31}"),
    ("new-relic-key", "NRAK-{U27}", "NRAK-{U26}"),
    ("new-relic-license", "{x36}NRAL", "{x30}NRAL"),
    ("grafana-token", "glsa_{A32}_{x8}", "glsa_{A32}"),
    ("sentry-token", "sntryu_{x64}", "sntryu_{x63}"),
    ("linear-key", "lin_api_{A40}", "lin_api_{A39}"),
    ("atlassian-token", "ATATT3{A186}", "ATATT3{A20}"),
    ("cloudflare-token", "cfut_{A48}", "cfut_{A40}"),
    ("cloudflare-origin-key", "v1.0-{x24}-{x146}", "v1.0-{x24}"),
    ("cloudflare-legacy-token", "CLOUDFLARE_API_TOKEN={A40}", "CLOUDFLARE_API_TOKEN={A39}"),
    ("fastly-token", "FASTLY_KEY={A32}", "FASTLY_KEY={A31}"),
    ("okta-token", "OKTA_TOKEN=00{A40}", "OKTA_TOKEN=00{A39}"),
    ("doppler-token", "dp.pt.{A43}", "dp.pt.{A20}"),
    ("postman-key", "PMAK-{x24}-{x34}", "PMAK-{x24}"),
    ("pulumi-token", "pul-{x40}", "pul-{x39}"),
    ("artifactory-key", "AKCp{A69}", "AKCp{A60}"),
    ("circleci-token", "CCIPAT_{A22}_{x40}", "CCIPAT_{A22}"),
    ("buildkite-token", "bkua_{x40}", "bkua_{x39}"),
    ("netlify-token", "nfp_{A36}", "nfp_{A35}"),
    ("supabase-token", "sbp_{x40}", "sbp_{x39}"),
    ("planetscale-token", "pscale_tkn_{A43}", "pscale_tkn_{A20}"),
    ("notion-token", "ntn_{A46}", "ntn_{A30}"),
    ("figma-token", "figd_{A40}", "figd_{A39}"),
    ("airtable-token", "pat{A14}.{x64}", "pat{A14}.{x63}"),
    ("hubspot-token", "pat-na1-{x8}-{x4}-{x4}-{x4}-{x12}", "pat-na1-{x8}"),
    ("dynatrace-token", "dt0c01.{U24}.{U64}", "dt0c01.{U24}"),
    ("contentful-token", "CFPAT-{A43}", "CFPAT-{A42}"),
    ("sonarqube-token", "squ_{x40}", "squ_{x39}"),
    ("tailscale-key", "tskey-auth-{A12}-{A32}", "tskey-auth-{A12}"),
    ("fly-token", "fo1_{A43}", "fo1_{A42}"),
    ("mapbox-token", "sk.eyJ{A80}.{A22}", "pk.eyJ{A80}.{A22}"),
    ("onepassword-token", "ops_eyJ{A300}", "ops_eyJ{A30}"),
    ("alibaba-key", "LTAI{A20}", "LTAI{A19}"),
    ("tencent-key", "AKID{A32}", "AKID{A31}"),
    ("braintree-token", "access_token$production${n16}${x32}", "access_token$sandbox${n16}${x32}"),
    ("url-password", "https://deploy:{A12}@git.corp.net/a", "https://user:password@git.corp.net/a"),
    ("assigned-secret", "db_password: '{A20}'", "db_password: 'settings.password'"),
];

/// Of each pattern a good example, and one that is not quite it.
fn examples() -> Vec<(&'static str, String, String)> {
    let key = |kind: &str| {
        made(&format!("-----BEGIN {kind}-----\n{{A64}}\n{{A64}}\n-----END {kind}-----\n"))
    };
    let jwt = |header: &str| {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        made(&format!("{}.eyJ{{A40}}.{{A43}}", URL_SAFE_NO_PAD.encode(header)))
    };
    let special = [
        ("private-key", key("RSA PRIVATE KEY"), key("PUBLIC KEY")),
        ("github-token", summed("ghp_"), made("ghp_{A36}")),
        ("npm-token", summed("npm_"), made("npm_{A36}")),
        (
            "json-web-token",
            jwt(r#"{"alg":"RS256","typ":"JWT"}"#),
            jwt(r#"{"abc":"RS256","typ":"JWT"}"#),
        ),
    ];
    let forms = FORMS.iter().map(|(id, good, bad)| (*id, made(good), made(bad)));
    special.into_iter().chain(forms).collect()
}

fn ids(text: &str) -> Vec<&'static str> {
    search(text.as_bytes(), Depth::Named).into_iter().map(|hit| hit.pattern).collect()
}

#[test]
fn every_pattern_finds_what_it_is_for_and_not_what_is_nearly_that() {
    let examples = examples();
    let covered: BTreeSet<_> = examples.iter().map(|(id, ..)| *id).collect();
    let all: BTreeSet<_> = PATTERNS.iter().map(|pattern| pattern.id).collect();
    assert_eq!(covered, all);
    assert_eq!(all.len(), PATTERNS.len());
    for (id, good, bad) in examples {
        for around in [["", ""], ["x = \"", "\"\n"], ["\\n", "\\n"], ["(", ")"]] {
            let text = around.join(&good);
            assert_eq!(ids(&text), [id], "{text}");
        }
        assert!(!ids(&bad).contains(&id), "{id}: {bad}");
    }
}

#[test]
fn every_pattern_says_what_it_is_and_compiles() {
    for pattern in PATTERNS {
        assert!(
            pattern.title.starts_with("a ") || pattern.title.starts_with("an "),
            "{}",
            pattern.id
        );
        assert!(pattern.keywords.iter().all(|keyword| keyword.len() >= 2), "{}", pattern.id);
        let regex = regex::bytes::RegexBuilder::new(pattern.regex).unicode(false).build();
        assert!(regex.is_ok(), "{}", pattern.id);
    }
}

#[test]
fn a_hit_tells_where_and_how_long_and_nothing_of_the_value() {
    let token = summed("ghp_");
    let text = format!("a\nb = {token}\n");
    let hits = search(text.as_bytes(), Depth::Known);
    let [hit] = hits.as_slice() else { panic!("{hits:?}") };
    assert_eq!((hit.line, hit.offset, hit.length), (2, 6, 40));
    assert_eq!(hit.masked, "ghp_…");
    assert_eq!(hit.told(), "a token of GitHub (`ghp_…`, 40 characters)");
    for said in [format!("{hit:?}"), hit.told(), hit.masked.clone()] {
        assert!(!said.contains(token.get(4..8).unwrap()), "{said}");
    }
}

#[test]
fn what_is_part_of_a_longer_word_is_none() {
    let token = summed("ghp_");
    for text in [format!("x{token}"), format!("{token}x"), format!("_{token}")] {
        assert_eq!(ids(&text), [""; 0], "{text}");
    }
}

#[test]
fn what_goes_on_without_end_is_read_in_time_and_told_in_part() {
    let token = summed("ghp_");
    let many = format!("{token}\n").repeat(5_000);
    assert_eq!(search(many.as_bytes(), Depth::Named).len(), 100);
    for hostile in [
        "eyJ".repeat(300_000),
        "://a:b".repeat(200_000),
        "token=".repeat(200_000),
        "-----BEGIN ".repeat(100_000),
        "NRAL ".repeat(200_000),
        "12345678:AA ".repeat(100_000),
    ] {
        assert_eq!(ids(&hostile), [""; 0]);
    }
}

fn look(path: &str, bytes: &[u8]) -> Option<Seen> {
    Secrets::seen(&TreePath::parse(path.as_bytes()).unwrap(), bytes)
}

#[test]
fn what_is_noted_of_a_file_comes_back_and_has_no_value_in_it() {
    let token = summed("ghp_");
    let text = format!("{}\n{token}\n", "# a comment\n".repeat(500));
    let seen = look("app/run.sh", text.as_bytes());
    let Some(Seen::Content { hits, credential: None, accounts }) = seen else { panic!("{seen:?}") };
    assert_eq!((hits.len(), accounts.len(), hits[0].line), (1, 0, 502));
    let path = TreePath::parse(b"a").unwrap();
    let mut file = Secrets::look(&path, 41).unwrap();
    assert!(file.take(token.as_bytes()).is_continue());
    let note = String::from_utf8(file.finish().unwrap()).unwrap();
    assert!(!note.contains(token.get(4..10).unwrap()), "{note}");
}

#[test]
fn binary_files_are_passed_over_and_large_ones_are_said() {
    let token = summed("ghp_");
    let binary = [&[0x7f, b'E', b'L', b'F', 0], token.as_bytes()].concat();
    assert_eq!(look("bin/a", &binary), None);
    let wide: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(token.bytes().flat_map(|byte| [byte, 0])).collect();
    assert!(matches!(look("a.ps1", &wide), Some(Seen::Content { hits, .. }) if hits.len() == 1));
    let large = usize::try_from(LARGEST).unwrap() + 1;
    let size = LARGEST + 1;
    let text = vec![b'a'; large];
    assert_eq!(look("a.log", &text), Some(Seen::TooLarge { size, named: Named::Otherwise }));
    assert_eq!(look("a.so", &vec![0; large]), None);
    assert_eq!(
        look("id_rsa", &vec![0; large]),
        Some(Seen::TooLarge { size, named: Named::Credential })
    );
    assert_eq!(look("empty", b""), None);
}

#[test]
fn what_is_kept_and_damaged_is_not_taken_for_nothing() {
    for damaged in
        [&b""[..], b"{}", b"{\"Content\":{\"hits\":[],\"credential\":\"x\",\"accounts\":[]}}"]
    {
        assert_eq!(look::read(damaged), Seen::Unreadable);
    }
}

#[test]
fn ordinary_files_are_not_taken_for_secrets() {
    for ordinary in [
        "def connect(password=None, token=os.environ['TOKEN']):\n    secret = getpass.getpass()\n",
        "#!/bin/sh\nexport PATH=/usr/local/sbin:/usr/bin\nTOKEN_FILE=/run/secrets/token\n",
        "password: ${DB_PASSWORD}\ntoken: \"{{ .Values.token }}\"\nsecret: changeme\n",
        "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQGEwJJ\n-----END CERTIFICATE-----\n",
        "look for `-----BEGIN PRIVATE KEY-----` in the file\n",
        "deb http://deb.debian.org/debian bookworm main\nhttps://user:pass@example.com/\n",
        "{\"integrity\": \"sha512-v2kDEe57lecTulaDIuNTPy3Ry4gLGJ6Z1O3vE1krgXZNrsQ+LFTGHVxVjcXPs17LhbZVGedAJv8XZ1tvj5FvSg==\"}",
        "passwd:         files\nshadow:         files\ngroup: files\n",
        "AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n",
        "task-list risk-free pat-terns key-board dose-response apiKey: string;\n",
    ] {
        assert_eq!(ids(ordinary), [""; 0], "{ordinary}");
    }
}
