//! Tests of the settings of an AWS profile.

use std::collections::HashMap;

use super::*;

/// Fake home directory and environment variables.
#[derive(Default)]
struct Machine {
    variables: HashMap<&'static str, &'static str>,
    files: HashMap<&'static str, &'static str>,
}

const CONFIG: &str = "/home/me/.aws/config";
const CREDENTIALS: &str = "/home/me/.aws/credentials";

fn machine() -> Machine {
    let machine = Machine::default().set("HOME", "/home/me");
    machine.set("AWS_REGION", "eu-west-3")
}

impl Machine {
    fn set(mut self, name: &'static str, value: &'static str) -> Self {
        self.variables.insert(name, value);
        self
    }

    fn keys(self) -> Self {
        let with_id = self.set("AWS_ACCESS_KEY_ID", "AKENV");
        with_id.set("AWS_SECRET_ACCESS_KEY", "SECRET")
    }

    fn file(mut self, path: &'static str, text: &'static str) -> Self {
        self.files.insert(path, text);
        self
    }

    fn load(&self, given: Given<'_>) -> Result<Configuration, ConfigError> {
        let lookup = |name: &str| self.variables.get(name).map(Into::into);
        let read = |path: &Path| {
            let text = self.files.get(path.to_str().unwrap());
            let text = text.map(|text| text.as_bytes().to_vec());
            text.ok_or_else(|| io::ErrorKind::NotFound.into())
        };
        Configuration::load(given, &lookup, &read)
    }

    fn loaded(&self) -> Configuration {
        self.load(Given::default()).unwrap()
    }

    /// Returns the error text.
    fn rejection(&self, given: Given<'_>) -> String {
        let ConfigError { text, hint, .. } = self.load(given).unwrap_err();
        text + "\n" + &hint.unwrap_or_default()
    }
}

fn of_profile(name: &str) -> Given<'_> {
    Given {
        profile: Some(name),
        ..Given::default()
    }
}

fn endpoint(configuration: &Configuration) -> Option<&str> {
    let set = configuration.endpoint.as_ref();
    set.map(|set| &*set.value)
}

fn region(configuration: &Configuration) -> Option<&str> {
    configuration.region.as_ref().map(|set| &*set.value)
}

#[test]
fn a_profile_that_the_program_names_replaces_the_keys_of_the_environment() {
    let machine = machine()
        .keys()
        .file(CREDENTIALS, "[p]\naws_access_key_id = AKPROFILE\n");
    assert_eq!(machine.loaded().keys.unwrap().access_key, "AKENV");
    let named = machine.load(of_profile("p")).unwrap();
    assert_eq!(named.keys, None);
    assert_eq!(
        named.provider_files.text,
        "[profile p]\naws_access_key_id = AKPROFILE\n"
    );
    // A profile that a variable names does not replace them, as in the AWS CLI.
    let by_variable = machine.set("AWS_PROFILE", "p").loaded();
    assert_eq!(by_variable.keys.unwrap().access_key, "AKENV");
}

#[test]
fn a_profile_that_does_not_exist_is_an_error_that_names_the_files() {
    let machine = machine().keys().file(CONFIG, "[profile a]\n[b]\n");
    let error = machine.rejection(of_profile("x"));
    assert!(error.contains("\"x\" of the builder"), "{error}");
    assert!(
        error.contains(CONFIG) && error.contains(CREDENTIALS),
        "{error}"
    );
    assert!(error.contains("there are: a"), "{error}");
    let error = machine.rejection(of_profile("b"));
    assert!(error.contains("line 2: [b] is not read"), "{error}");
    let error = machine.set("AWS_PROFILE", "y").rejection(Given::default());
    assert!(error.contains("\"y\" of AWS_PROFILE"), "{error}");
}

#[test]
fn a_file_is_read_whatever_stands_in_its_other_sections() {
    for text in [
        "\u{feff}[default]\nendpoint_url = http://h:9",
        "[default]\nendpoint_url = http://h:9\n[profile other]\n username = x",
        "[default]\nendpoint_url = http://h:9\n[profile other] # remark\nregion = r",
        "[profile other]\ns3 =\n    x = y\n[default]\n  endpoint_url = http://h:9 # mine\n",
        "[default]\nservices = local\n[services local]\ns3 =\n  endpoint_url = http://h:9\n",
        "[default]\nendpoint_url = http://x\nservices = local\n[services local]\ns3 =\n endpoint_url = http://h:9",
    ] {
        let loaded = machine().keys().file(CONFIG, text).loaded();
        assert_eq!(endpoint(&loaded), Some("http://h:9"), "{text}");
    }
}

#[test]
fn a_file_that_cannot_be_parsed_is_an_error_with_the_line() {
    for (text, want) in [
        ("[default]\n[profile x\n", "/home/me/.aws/config, line 2: "),
        (
            "[default]\nendpoint_url\n",
            "/home/me/.aws/config, line 2: ",
        ),
        (
            "[default]\nregion = r\n endpoint_url = http://h\n",
            "line 3: an indented line",
        ),
        (
            "[default]\nservices = my-local\n",
            "no section [services my-local]",
        ),
        ("[default]\nsso_session = s\n", "no section [sso-session s]"),
        (
            "[default]\nsource_profile = s\n",
            "\"s\" of `source_profile` in",
        ),
    ] {
        let mut machine = machine();
        machine.variables.remove("AWS_REGION");
        let error = machine.file(CONFIG, text).rejection(Given::default());
        assert!(error.contains(want), "{text}: {error}");
    }
}

#[test]
fn a_file_that_a_variable_names_must_exist() {
    let named = machine().keys().set("AWS_CONFIG_FILE", "/none/config");
    let error = named.rejection(Given::default());
    assert!(error.contains("AWS_CONFIG_FILE: /none/config"), "{error}");
    let home = machine()
        .set("AWS_CONFIG_FILE", "~/own")
        .file("/home/me/own", "[default]\nendpoint_url = http://h");
    assert_eq!(endpoint(&home.loaded()), Some("http://h"));
}

#[test]
fn a_name_with_a_blank_is_written_for_aws_config_in_another_way() {
    let text = "[profile \"my prof\"]\nrole_arn = r\nsource_profile = my base\nregion = r1\n\
                [profile 'my base']\naws_access_key_id = AKP\n";
    let mut machine = machine().file(CONFIG, text);
    machine.variables.remove("AWS_REGION");
    let loaded = machine.set("AWS_PROFILE", "my prof").loaded();
    assert_eq!(region(&loaded), Some("r1"));
    let written = loaded.provider_files;
    assert_eq!(written.profile, "quoted.6d792070726f66");
    assert_eq!(
        written.text,
        "[profile quoted.6d792070726f66]\nregion = r1\nrole_arn = r\nsource_profile = quoted.6d792062617365\n\
         [profile quoted.6d792062617365]\naws_access_key_id = AKP\n"
    );
}

#[test]
fn a_variable_that_is_set_and_empty_is_unset() {
    let text = "[default]\nregion = eu-west-1\nendpoint_url = http://h\n";
    let machine = Machine::default()
        .set("HOME", "/home/me")
        .set("AWS_PROFILE", "")
        .set("AWS_REGION", "")
        .set("AWS_ENDPOINT_URL", " ")
        .set("AWS_ACCESS_KEY_ID", "")
        .set("AWS_SECRET_ACCESS_KEY", "")
        .set("AWS_CONFIG_FILE", "")
        .set("AWS_CA_BUNDLE", "")
        .set("AWS_MAX_ATTEMPTS", "")
        .set("AWS_USE_FIPS_ENDPOINT", "")
        .set("AWS_WEB_IDENTITY_TOKEN_FILE", "")
        .file(CONFIG, text);
    let loaded = machine.loaded();
    assert_eq!(
        (region(&loaded), endpoint(&loaded)),
        (Some("eu-west-1"), Some("http://h"))
    );
    assert!(loaded.keys.is_none() && loaded.ca_bundle.is_none() && !loaded.has_web_identity);
    let other = machine.set("AWS_DEFAULT_REGION", "eu-west-9").loaded();
    assert_eq!(region(&other), Some("eu-west-9"));
}

#[test]
fn blanks_and_line_breaks_around_values_are_not_part_of_them() {
    let loaded = Machine::default()
        .set("AWS_ENDPOINT_URL", " http://h:9\n")
        .set("AWS_REGION", "eu-west-1\r\n")
        .set("AWS_ACCESS_KEY_ID", "AK ")
        .set("AWS_SECRET_ACCESS_KEY", "SECRET\n")
        .set("AWS_SESSION_TOKEN", "\ttok")
        .loaded();
    let keys = loaded.keys.clone().unwrap();
    assert_eq!(
        (region(&loaded), endpoint(&loaded)),
        (Some("eu-west-1"), Some("http://h:9"))
    );
    assert_eq!(
        (
            &*keys.access_key,
            &*keys.secret_key,
            keys.session_token.as_deref()
        ),
        ("AK", "SECRET", Some("tok"))
    );
}

#[test]
fn an_invalid_value_is_an_error_that_names_its_source() {
    for (name, value) in [
        ("AWS_SECRET_ACCESS_KEY", "SEC RET"),
        ("AWS_SESSION_TOKEN", "a\nb"),
        ("AWS_REGION", "eu west 1"),
        ("AWS_REGION", "evil.example.org/"),
        ("AWS_MAX_ATTEMPTS", "0"),
        ("AWS_MAX_ATTEMPTS", "many"),
        ("AWS_RETRY_MODE", "never"),
        ("AWS_USE_FIPS_ENDPOINT", "maybe"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "2"),
        ("AWS_REQUEST_CHECKSUM_CALCULATION", "always"),
        ("AWS_RESPONSE_CHECKSUM_VALIDATION", "always"),
        ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "?"),
    ] {
        let error = machine()
            .keys()
            .set(name, value)
            .rejection(Given::default());
        assert!(error.contains(name), "{error}");
    }
    let style = machine().file(CONFIG, "[default]\ns3 =\n addressing_style = odd\n");
    let error = style.rejection(Given::default());
    assert!(
        error.contains("`addressing_style` in /home/me/.aws/config, line 3"),
        "{error}"
    );
}

#[test]
fn half_a_pair_of_keys_is_an_error() {
    for (set, unset) in [
        ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
        ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"),
    ] {
        let error = machine()
            .set(set, "x")
            .set(unset, "")
            .rejection(Given::default());
        assert!(error.contains(set) && error.contains(unset), "{error}");
    }
}

#[test]
fn the_endpoint_is_the_first_that_is_set() {
    let text = "[default]\nendpoint_url = http://e\nservices = s\n[services s]\ns3 =\n endpoint_url = http://d\n";
    let all = || {
        let machine = machine().keys().file(CONFIG, text);
        machine
            .set("AWS_ENDPOINT_URL", "http://c")
            .set("AWS_ENDPOINT_URL_S3", "http://b")
    };
    let given = Given {
        endpoint: Some("http://a"),
        ..Given::default()
    };
    assert_eq!(endpoint(&all().load(given).unwrap()), Some("http://a"));
    assert_eq!(endpoint(&all().loaded()), Some("http://b"));
    assert_eq!(
        endpoint(&all().set("AWS_ENDPOINT_URL_S3", "").loaded()),
        Some("http://c")
    );
    let files = all()
        .set("AWS_ENDPOINT_URL_S3", "")
        .set("AWS_ENDPOINT_URL", "");
    assert_eq!(endpoint(&files.loaded()), Some("http://d"));
    let ignored = all().set("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
    assert_eq!(endpoint(&ignored.load(given).unwrap()), Some("http://a"));
    assert_eq!(endpoint(&ignored.loaded()), None);
    let text = "[default]\nendpoint_url = http://e\nignore_configured_endpoint_urls = true\n";
    assert_eq!(endpoint(&machine().file(CONFIG, text).loaded()), None);
}

#[test]
fn an_endpoint_that_is_ignored_is_no_error_beside_a_role() {
    const ROLE: &str = "[default]\nrole_arn = r\nsource_profile = base\nendpoint_url = http://e\n\
        [profile base]\naws_access_key_id = a\naws_secret_access_key = s\n";
    let with_role = || machine().file(CONFIG, ROLE);
    let text = with_role().rejection(Given::default());
    assert!(text.contains("does not apply to AssumeRole"), "{text}");
    let ignored = with_role().set("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
    assert_eq!(endpoint(&ignored.loaded()), None);
    let of_profile = "ignore_configured_endpoint_urls = true\n[profile base]";
    let text = ROLE.replace("[profile base]", of_profile);
    let ignored = machine().file(CONFIG, text.leak());
    assert_eq!(endpoint(&ignored.loaded()), None);
}

#[test]
fn the_region_is_the_first_that_is_set() {
    let text = "[default]\nregion = r4\n";
    let all = || {
        let machine = Machine::default().set("HOME", "/home/me");
        let machine = machine.file(CONFIG, text).set("AWS_DEFAULT_REGION", "r3");
        machine.set("AWS_REGION", "r2")
    };
    let given = Given {
        region: Some("r1"),
        ..Given::default()
    };
    assert_eq!(region(&all().load(given).unwrap()), Some("r1"));
    assert_eq!(region(&all().loaded()), Some("r2"));
    assert_eq!(region(&all().set("AWS_REGION", "").loaded()), Some("r3"));
    let of_file = all().set("AWS_REGION", "").set("AWS_DEFAULT_REGION", "");
    assert_eq!(region(&of_file.loaded()), Some("r4"));
    assert_eq!(region(&Machine::default().loaded()), None);
}

#[test]
fn settings_of_a_profile_are_read_and_variables_win() {
    let text = "[default]\nca_bundle = /ca.pem\nmax_attempts = 4\nretry_mode = adaptive\nuse_fips_endpoint = true\n\
                request_checksum_calculation = WHEN_REQUIRED\nresponse_checksum_validation = when_supported\n\
                s3 =\n  addressing_style = virtual\n  use_accelerate_endpoint = true\n  use_dualstack_endpoint = true\n";
    let of_file = machine().file(CONFIG, text).loaded();
    assert_eq!(of_file.ca_bundle.unwrap().value, "/ca.pem");
    let of_file = of_file.configured;
    assert_eq!(of_file.max_attempts, Some(4));
    assert!(of_file.adaptive_retries);
    assert_eq!(of_file.request_checksums, Some(false));
    assert_eq!(of_file.response_checksums, Some(true));
    assert_eq!(of_file.addressing, Some(Addressing::VirtualHost));
    assert!(of_file.fips && of_file.dual_stack && of_file.accelerate);
    let of_variables = machine()
        .file(CONFIG, text)
        .set("AWS_CA_BUNDLE", "/own.pem")
        .set("AWS_MAX_ATTEMPTS", "1")
        .set("AWS_RETRY_MODE", "legacy")
        .set("AWS_USE_FIPS_ENDPOINT", "False")
        .set("AWS_USE_DUALSTACK_ENDPOINT", "false")
        .set("AWS_REQUEST_CHECKSUM_CALCULATION", "when_supported")
        .loaded();
    assert_eq!(of_variables.ca_bundle.unwrap().value, "/own.pem");
    let of_variables = of_variables.configured;
    assert_eq!(of_variables.max_attempts, Some(1));
    assert!(!of_variables.adaptive_retries);
    assert_eq!(of_variables.request_checksums, Some(true));
    assert!(!of_variables.fips && !of_variables.dual_stack);
}

#[test]
fn a_setting_without_effect_is_reported() {
    let text = "[default]\ndefaults_mode = standard\ns3 =\n  max_concurrent_requests = 4\n";
    let machine = machine()
        .file(CONFIG, text)
        .set("AWS_STS_REGIONAL_ENDPOINTS", "legacy");
    assert_eq!(
        machine.loaded().ignored,
        [
            "AWS_STS_REGIONAL_ENDPOINTS",
            "`defaults_mode` in /home/me/.aws/config, line 2",
            "s3 `max_concurrent_requests` in /home/me/.aws/config, line 4"
        ]
    );
    assert!(Machine::default().loaded().ignored.is_empty());
}

#[test]
fn every_ignored_setting_is_noted() {
    for name in super::IGNORED_VARIABLES {
        assert_eq!(machine().set(name, "x").loaded().ignored, [*name]);
    }
    let noted = |text: String, name: &str| {
        let ignored = machine().file(CONFIG, text.leak()).loaded().ignored;
        assert_eq!(ignored.len(), 1, "{name}: {ignored:?}");
        assert!(ignored[0].contains(&format!("`{name}`")), "{ignored:?}");
    };
    for name in super::IGNORED_PROPERTIES {
        noted(format!("[default]\n{name} = x\n"), name);
    }
    for name in super::IGNORED_OF_S3 {
        noted(format!("[default]\ns3 =\n  {name} = x\n"), name);
    }
}

#[test]
fn files_are_not_read_when_everything_is_given() {
    let broken = machine().file(CONFIG, "broken");
    let given = Given {
        endpoint: Some("http://a"),
        region: Some("r"),
        profile: None,
        has_credentials: true,
        proxy: None,
    };
    assert!(broken.load(given).is_ok());
    let profile = Some("p");
    assert!(broken.load(Given { profile, ..given }).is_err());
}

#[test]
fn a_token_file_that_ends_in_a_line_break_is_rejected_by_its_name() {
    for name in [
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    ] {
        let machine = machine()
            .set(name, "/var/token")
            .file("/var/token", "abc\n");
        let error = machine.rejection(Given::default());
        assert!(
            error.contains(name) && error.contains("/var/token"),
            "{error}"
        );
        machine.file("/var/token", "abc").loaded();
    }
}

#[test]
fn a_credential_process_counts_where_no_other_credentials_stand() {
    let text = "[default]\ncredential_process = get --it 'a b'\n[profile k]\naws_access_key_id = a\ncredential_process = x\n";
    let machine = machine().file(CONFIG, text);
    let command = machine.loaded().credential_process;
    assert_eq!(command.as_deref(), Some("get --it 'a b'"));
    assert_eq!(
        machine.load(of_profile("k")).unwrap().credential_process,
        None
    );
    let written = machine.load(of_profile("k")).unwrap().provider_files.text;
    assert_eq!(written, "[profile k]\naws_access_key_id = a\n");
    assert_eq!(machine.keys().loaded().credential_process, None);
}
