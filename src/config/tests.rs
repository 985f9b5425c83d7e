//! The file as users write it, right and wrong.

use super::{
    Config, Document, SECTIONS, Setting, Without,
    value::{checked, wanted},
};
use crate::{case::Window, collect::Ways, finding::Severity};
use toml::de::DeValue;

fn refusal(text: &str) -> String {
    Config::read(text, "a.toml").unwrap_err().to_string()
}

#[test]
fn what_is_wrong_is_named_with_its_line_and_what_would_be_right() {
    for (text, expected) in [
        (
            "[detectors.stuck-queued]\nlow_secnds = 1",
            "a.toml:2: no setting of detectors.stuck-queued is called `low_secnds`; did you mean `low_seconds`?",
        ),
        ("[detectors.stuck-queud]\nlow_seconds = 1", "a.toml:1: no detector is called `stuck-queud`; did you mean `stuck-queued`?"),
        ("\n\n[colect]\ns3 = []", "a.toml:3: no section is called `colect`; did you mean `collect`?"),
        ("audit = 1", "a.toml:1: `audit` is a section: write [audit]"),
        (
            "[audit]\nname = \"x\"\nwindow = \"1w\"",
            "a.toml:3: audit.window: must be a span of time like \"30m\", \"2h\" or \"1d\", not \"1w\"",
        ),
        ("[audit]\nname = \"x\"\nwindow = 30", "a.toml:3: audit.window: must be a span of time like \"30m\", \"2h\" or \"1d\", not 30"),
        ("[audit]\nname = \"x\"\nwindow = \"0s\"", "not \"0s\""),
        ("[audit]\nname = \"../x\"", "a.toml:2: audit.name: must be a text of letters"),
        ("[audit]\nwindow = \"1d\"", "a.toml:1: [audit] needs `name`"),
        ("[audit]\nname = \"x\"\nmost_windows = 0", "must be a whole number of at least 1, not 0"),
        ("[audit]\nname = \"x\"\nmost_windows = 1.5", "must be a whole number of at least 1, not 1.5"),
        ("[audit]\nname = \"x\"\nfail_on = \"hgih\"", "must be \"never\", or one of info, low, medium, high, critical"),
        ("[audit]\nname = \"x\"\ndetectors = [\"stuck\"]", "audit.detectors: no detector is called `stuck`"),
        ("[audit]\nname = \"x\"\nfirst = \"yesterday\"", "a.toml:3: audit.first: must be a time like"),
        ("[collect]\nlog_group = \"/aws/x\"", "a.toml:2: collect.log_group: must be a list in brackets"),
        ("[collect]\ns3 = [\"bucket\"]", "a.toml:2: collect.s3: must be an address like \"s3://bucket/prefix\", not \"bucket\""),
        ("[collect]\ns3 = [\"s3://b\"]\nconcurrency = 51", "must be a whole number from 1 to 50, not 51"),
        ("[collect]\ns3 = [\"s3://b\"]\nmax_scan_gb = 0", "must be a number above 0, not 0"),
        ("[collect]\nredshift_cluster = \"c\"", "a.toml:1: [collect] a Redshift cluster or workgroup needs database"),
        ("[collect]\nathena = true\nsecret_arn = \"a\"\ndb_user = \"b\"", "[collect] secret_arn and db_user exclude each other"),
        ("[collect]\nathena = true\nexternal_id = \"a\"", "[collect] external_id needs role_arn"),
        ("[collect]\nregion = \"eu-west-1\"", "a.toml:1: [collect] asks for nothing"),
        ("[inputs]\ntz = \"Mars/Olympus\"", "a.toml:2: inputs.tz: must be a zone"),
        ("[publish]\ndatabase = \"x\"", "a.toml:1: [publish] needs `to`"),
        ("[publish]\nto = \"x\"\nexternal_id = \"y\"", "[publish] external_id needs role_arn"),
        ("[input]\ndepth = \"deep\"", "a.toml:2: input.depth: must be a whole number from 1 to"),
        ("[input]\ndepth = 0", "not 0"),
        ("[detectors.stuck-queued]\nlow_seconds = -1", "must be a number of at least 0, not -1"),
        ("[detectors.stuck-queued]\nlow_seconds = nan", "must be a number of at least 0, not nan"),
        ("[[suppress]]\nfinding_id = \"f1:0123456789abcdef\"", "a.toml:1: [suppress] needs `reason`"),
        ("[[suppress]]\ndetector = \"small-files\"\nreason = \"x\"", "a.toml:1: [suppress] needs finding_id, or detector and subject"),
        ("[[suppress]]\nsubject = \"*\"\nreason = \"x\"", "needs finding_id, or detector and subject"),
        (
            "[[suppress]]\ndetector = \"small-files\"\nsubject = \"a[\"\nreason = \"x\"",
            "a.toml:3: suppress.subject: \"a[\" is no pattern, at character 1",
        ),
        ("[[suppress]]\nfinding_id = \"4c1d\"\nreason = \"x\"", "must be the id of a finding"),
        ("[[suppress]]\nfinding_id = \"f1:0123456789abcdef\"\nreason = \" \"", "must be a text that is not empty"),
        (
            "[[suppress]]\nfinding_id = \"f1:0123456789abcdef\"\nreason = \"x\"\nuntil = \"2026-02-30\"",
            "a.toml:4: suppress.until: must be a date",
        ),
        (
            "[[suppress]]\nfinding_id = \"f1:0123456789abcdef\"\nreason = \"x\"\nkind = \"ok\"",
            "must be one of \"accepted\", \"false-positive\", \"planned\"",
        ),
        ("detectors = 1", "a.toml:1: write [detectors.<id>]"),
        ("[suppress]\nreason = \"x\"", "a.toml:1: write [[suppress]]"),
        ("[audit]\nname = \"x\"\nname = \"y\"", "a.toml:3: duplicate key"),
        ("[audit]\nname = \"x\"\n[audit]\n", "a.toml:3: duplicate key"),
        ("[audit\nname = 1", "a.toml:1: "),
    ] {
        let told = refusal(text);
        assert!(told.contains(expected), "{text}\n  says {told}\n  and not {expected}");
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once_in_the_order_of_the_file() {
    let told = refusal("[input]\ndepth = 0\nexpnsion = 1\n[audit]\nwindow = 1\n");
    let lines: Vec<&str> = told.lines().map(|it| it.split(": ").next().unwrap()).collect();
    assert_eq!(lines, ["a.toml:2", "a.toml:3", "a.toml:4", "a.toml:5"], "{told}");
    let many = "a = 1
"
    .to_owned()
        + &"[x]
"
        .repeat(40)
        .lines()
        .enumerate()
        .fold(String::new(), |text, (at, _)| {
            text + &format!(
                "x{at} = 1
"
            )
        });
    assert!(refusal(&many).ends_with("21 more faults"), "{}", refusal(&many));
}

#[test]
fn what_is_long_is_told_in_short_and_soon() {
    let long = "x".repeat(100_000);
    assert!(refusal(&format!("[audit]\nname = \"{long}\"")).len() < 300);
    let many = "[[suppress]]\nfinding_id = \"f1:0123456789abcdef\"\nreason = \"é\"\n".repeat(12_000);
    assert_eq!(Config::read(&many, "a.toml").unwrap().suppress.len(), 12_000);
    assert!(refusal(&(many + "[[suppress]]\n")).starts_with("a.toml:36001: "));
    assert!(refusal(&format!("[input]\ndepth = {}1{}", "[".repeat(5_000), "]".repeat(5_000))).starts_with("a.toml:2: "));
}

#[test]
fn a_mark_of_byte_order_is_no_fault_and_moves_no_line() {
    assert!(Config::read("\u{feff}[input]\ndepth = 2\n", "a.toml").is_ok());
    assert!(refusal("\u{feff}[input]\r\n\r\ndepth = 0").starts_with("a.toml:3: "));
}

#[test]
fn every_default_is_what_its_key_wants() {
    for section in SECTIONS.iter() {
        for key in &section.keys {
            let Without::Value(text) = &key.without else { continue };
            let value = DeValue::parse(text).unwrap();
            assert!(checked(key.kind, value.get_ref()).is_ok(), "{}.{} = {text} is not {}", section.name, key.name, wanted(key.kind));
        }
    }
}

#[test]
fn an_empty_file_changes_nothing() {
    let config = Config::read("", "a.toml").unwrap();
    let caps = crate::case::Caps::default();
    assert_eq!(
        (config.settings.caps.record_bytes, config.settings.caps.depth, config.settings.caps.expansion),
        (caps.record_bytes, caps.depth, caps.expansion)
    );
    assert!(
        config.audit.is_none()
            && config.collect.is_none()
            && config.publish.is_none()
            && config.baseline.is_none()
            && config.suppress.is_empty()
    );
}

#[test]
fn an_audit_says_what_it_says_and_defaults_otherwise() {
    let text = "[audit]\nname = \"prod\"\nfirst = 2026-01-01\nfail_on = \"new:high\"\noverlap = \"0s\"\ndetectors = [\"access-denied\"]\n";
    let plan = Config::read(text, "a.toml").unwrap().audit.unwrap();
    assert_eq!((plan.window_seconds, plan.delay_seconds, plan.overlap_seconds), (86_400, 1_800, 0));
    assert_eq!((plan.most_windows, plan.keep_cases), (7, 3));
    assert_eq!(plan.first.unwrap().rfc3339(), "2026-01-01T00:00:00.000Z");
    assert!(plan.fail_on.is_some_and(|it| it.only_new && it.severity == Severity::High));
    assert_eq!(plan.detectors.iter().map(|it| it.id).collect::<Vec<_>>(), ["access-denied"]);
    let plain = Config::read("[audit]\nname = \"x\"", "a.toml").unwrap().audit.unwrap();
    assert_eq!((plain.overlap_seconds, plain.fail_on, plain.detectors.len()), (7_200, None, crate::detectors::DETECTORS.len()));
}

#[test]
fn a_collection_is_asked_for_like_on_the_command_line() {
    let text = "[collect]\nlog_group = [\"b\", \"a\", \"b\"]\nmax_scan_gb = 2\nregion = \"eu-west-1\"\n[publish]\nto = \"s3://b/p\"\nrole_arn = \"r\"\n";
    let config = Config::read(text, "a.toml").unwrap();
    let collect = config.collect.unwrap();
    let window = Window::new(0, 59).unwrap();
    let asked = collect.asked(window);
    assert_eq!((asked.window, asked.log_groups.as_slice(), asked.athena), (window, &["a".to_owned(), "b".to_owned()][..], false));
    assert_eq!(collect.ways.most_scan_bytes, Some(2_000_000_000));
    let plain = Ways::default();
    assert_eq!((collect.ways.concurrency, collect.ways.base_delay), (plain.concurrency, plain.base_delay));
    let publish = config.publish.unwrap();
    assert_eq!((publish.ways.region.as_deref(), publish.ways.role_arn.as_deref()), (Some("eu-west-1"), Some("r")));
}

#[test]
fn the_command_line_wins_over_the_file_and_says_so() {
    let mut document = Document::read("[detectors.stuck-queued]\nlow_seconds = 1\n[input]\ndepth = 2\n", "a.toml").unwrap();
    document.set("detectors.stuck-queued.low_seconds=60").unwrap();
    document.set("input.expansion = 5").unwrap();
    let settings: Vec<Setting> = document.effective().into_iter().flat_map(|it| it.settings).collect();
    let of = |key: &str| settings.iter().find(|it| it.key == key).map(|it| (it.value.clone().unwrap(), it.origin.as_deref()));
    assert_eq!(of("low_seconds"), Some(("60".to_owned(), Some("--set"))));
    assert_eq!(of("depth"), Some(("2".to_owned(), Some("a.toml:4"))));
    assert_eq!(of("record_bytes"), Some(("1048576".to_owned(), None)));
    let config = Config::of(&document).unwrap();
    assert_eq!((config.settings.caps.depth, config.settings.caps.expansion), (2, 5));
    let stuck = crate::detectors::DETECTORS.iter().find(|it| it.id == "stuck-queued").unwrap();
    let limit = stuck.limits.iter().find(|it| it.name == "low_seconds").unwrap();
    assert!((config.settings.limit("stuck-queued", limit) - 60.0).abs() < f64::EPSILON);
    for wrong in
        ["", "x", "input.depth", "input.depth=0", "input.depht=1", "audit.name=x", "detectors.stuck-queued.low_seconds=soon", "detectors=1"]
    {
        assert!(document.set(wrong).unwrap_err().to_string().starts_with("--set"), "{wrong}");
    }
}
