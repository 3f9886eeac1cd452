//! Every option's good and bad values, and what is said about the bad ones.

use std::ffi::OsString;
use std::path::PathBuf;

use super::*;
use crate::fault::Faults;
use crate::world::Submit;

pub(crate) static TARGETS: &[TargetFacts] = &[
    TargetFacts {
        name: TargetName::A2a3,
        clusters: 24,
        aic: 24,
        aiv: 48,
        cores: 72,
        engines: &["counter", "SDMA"],
        is_coherent: false,
    },
    TargetFacts {
        name: TargetName::A5,
        clusters: 36,
        aic: 36,
        aiv: 72,
        cores: 108,
        engines: &["counter", "SDMA", "URMA"],
        is_coherent: true,
    },
];

pub(super) fn parsed(line: &str) -> Result<Command, UsageError> {
    parse(
        std::iter::once("finbox").chain(line.split_whitespace()),
        TARGETS,
    )
}

pub(super) fn run(line: &str) -> RunOptions {
    match parsed(&format!("run {line}")) {
        Ok(Command::Run(options)) => *options,
        other => panic!("{line}: {other:?}"),
    }
}

/// The message and the hint of a refusal.
pub(super) fn refused(line: &str) -> (String, String) {
    let error = parsed(line).unwrap_err();
    let report = error.to_report();
    assert_eq!(report.verdict.exit_code(), 2, "{line}");
    assert_eq!(
        report.error.as_ref().map(|error| error.code),
        Some(190),
        "{line}"
    );
    (error.to_string(), error.hint())
}

pub(super) fn message(line: &str) -> String {
    refused(line).0
}

#[test]
fn persistent_workers_are_for_what_has_items() {
    for (line, persistent) in [
        ("persistent_scan", None),
        ("persistent_scan --persistent auto", Some(Persistent::Auto)),
        (
            "persistent_scan --persistent force",
            Some(Persistent::Force),
        ),
        (
            "persistent_scan --persistent disable",
            Some(Persistent::Disable),
        ),
    ] {
        assert_eq!(run(line).persistent, persistent, "{line}");
    }
    let (said, hint) = refused("run grid --persistent force");
    assert_eq!(
        said,
        "--persistent is for the scenario persistent_scan, and 'grid' is another"
    );
    assert_eq!(hint, "leave --persistent out");
    assert!(message("run persistent_scan --persistent maybe").contains("maybe"));
}

#[test]
fn a_bare_scenario_takes_every_default() {
    let expected = RunOptions {
        what: What::Scenario("dummy_task".to_owned()),
        target: TargetName::A2a3,
        ranks: None,
        tasks: None,
        bench: BenchOptions::default(),
        plan: PlanOptions::default(),
        mode: Mode::Lockstep,
        completion: Completion::Mailbox,
        persistent: None,
        submit: Submit::Direct,
        command_slots: None,
        seed: 0,
        handlers: None,
        cores: None,
        mailbox_slots: None,
        deadline_ms: None,
        task_budget_ms: None,
        wait_budget_ms: None,
        faults: Faults::NONE,
        cost_model: None,
        time_scale: None,
        deps: None,
        collectives: None,
        explain: false,
        report: None,
        shadow: false,
        trace: TraceOptions::NONE,
        board: BoardOptions {
            any_target: true,
            ..BoardOptions::default()
        },
        json: false,
        quiet: false,
    };
    assert_eq!(run("dummy_task"), expected);
}

#[test]
fn every_option_reaches_its_field_before_or_after_the_scenario() {
    let options = run(
        "--target a5 --ranks 8 --mode parallel --seed 7 deferred_notify_demo \
         --threads 3 --cores 108 --mailbox-slots 64 --deadline-ms 250 \
         --task-budget-ms 7 --wait-budget-ms 9 --completion locked \
         --submit ring-threaded --command-slots 32 \
         --explain --report a/b.html --trace t.pftrace --trace-window 5..80 --shadow \
         --json --quiet",
    );
    let expected = RunOptions {
        what: What::Scenario("deferred_notify_demo".to_owned()),
        target: TargetName::A5,
        ranks: Some(8),
        tasks: None,
        bench: BenchOptions::default(),
        plan: PlanOptions::default(),
        mode: Mode::Parallel,
        completion: Completion::Locked,
        persistent: None,
        submit: Submit::RingThreaded,
        command_slots: Some(32),
        seed: 7,
        handlers: Some(3),
        cores: Some(108),
        mailbox_slots: Some(64),
        deadline_ms: Some(250),
        task_budget_ms: Some(7),
        wait_budget_ms: Some(9),
        faults: Faults::NONE,
        cost_model: None,
        time_scale: None,
        deps: None,
        collectives: None,
        explain: true,
        report: Some("a/b.html".into()),
        shadow: true,
        trace: TraceOptions {
            file: Some(PathBuf::from("t.pftrace")),
            window: Some("5..80".parse().unwrap()),
        },
        board: BoardOptions::default(),
        json: true,
        quiet: true,
    };
    assert_eq!(options, expected);
}

#[test]
fn what_traces_have_reaches_its_field_and_is_refused_for_scenarios() {
    let options = run("./trace --deps both --collectives ring");
    assert_eq!(options.deps, Some(Deps::Both));
    assert_eq!(options.collectives, Some(Collectives::Ring));
    for option in ["--deps data", "--collectives ring"] {
        for command in ["run", "check", "convert -o x.json"] {
            let (message, hint) = refused(&format!("{command} dummy_task {option}"));
            let name = option.split(' ').next().unwrap();
            let expected = format!("{name} is for traces of Chakra, and 'dummy_task' is none");
            assert_eq!((message, hint), (expected, format!("leave {name} out")));
        }
    }
}

#[test]
fn a_value_may_follow_an_equals_sign() {
    assert_eq!(run("dummy_task --seed=9 --ranks=3").seed, 9);
}

#[test]
fn every_target_and_no_other_is_accepted() {
    assert_eq!(run("dummy_task --target a2a3").target, TargetName::A2a3);
    assert_eq!(run("dummy_task --target a5").target, TargetName::A5);
    for bad in ["a9", "A5", "a2"] {
        let message = message(&format!("run dummy_task --target {bad}"));
        assert!(
            message.contains(bad) && message.contains("a2a3, a5"),
            "{message}"
        );
    }
}

#[test]
fn a_target_outside_this_build_is_refused_with_those_inside() {
    let only_a2a3 = &TARGETS[..1];
    let error = parse(["finbox", "run", "dummy_task", "--target", "a5"], only_a2a3).unwrap_err();
    assert_eq!(error.to_string(), "this build has no target 'a5'");
    assert_eq!(error.hint(), "take --target 'a2a3'");
}

#[test]
fn ranks_are_bounded_by_1_and_64_and_those_of_a_trace_by_1024() {
    assert_eq!(run("./x.json --ranks 1").ranks, Some(1));
    assert_eq!(run("./x.json --ranks 1024").ranks, Some(1024));
    assert!(message("run ./x.json --ranks 1025").ends_with("from 1 to 1024"));
    for bad in ["0", "65", "-1", "two", "1.5"] {
        assert_eq!(
            message(&format!("run dummy_task --ranks {bad}")),
            format!(
                "invalid value '{bad}' for '--ranks <N>': it must be a whole number from 1 to 64"
            )
        );
    }
}

#[test]
fn ranks_are_bounded_by_the_scenario_as_well() {
    assert_eq!(run("dummy_task --ranks 1").ranks, Some(1));
    assert_eq!(run("deferred_notify_demo --ranks 2").ranks, Some(2));
    assert_eq!(run("deferred_notify_demo --ranks 64").ranks, Some(64));
    let (message, hint) = refused("run deferred_notify_demo --ranks 1");
    assert_eq!(
        message,
        "invalid value '1' for '--ranks <N>': 'deferred_notify_demo' runs on 2 to 64 ranks"
    );
    assert_eq!(hint, "leave --ranks out, or take 2 to 64 ranks");
}

#[test]
fn ranks_left_out_are_the_scenarios_own_and_open_for_a_file() {
    assert_eq!(run("deferred_notify_demo").ranks_or_default(), Some(2));
    assert_eq!(
        run("deferred_notify_demo --ranks 5").ranks_or_default(),
        Some(5)
    );
    assert_eq!(run("./x.json").ranks_or_default(), None);
}

#[test]
fn every_mode_and_no_other_is_accepted() {
    assert_eq!(run("dummy_task --mode lockstep").mode, Mode::Lockstep);
    assert_eq!(run("dummy_task --mode parallel").mode, Mode::Parallel);
    let message = message("run dummy_task --mode fast");
    assert!(
        message.contains("'fast'") && message.contains("lockstep, parallel"),
        "{message}"
    );
}

#[test]
fn a_seed_is_any_64_bit_number() {
    assert_eq!(run("dummy_task --seed 18446744073709551615").seed, u64::MAX);
    for bad in ["18446744073709551616", "-1", "x", "0x10"] {
        let message = message(&format!("run dummy_task --seed {bad}"));
        assert!(
            message.contains("from 0 to 18446744073709551615"),
            "{message}"
        );
    }
}

#[test]
fn fin_handlers_are_1_to_8() {
    assert_eq!(run("dummy_task --threads 1").handlers, Some(1));
    assert_eq!(run("dummy_task --threads 8").handlers, Some(8));
    for bad in ["0", "9", "256", "-3"] {
        let message = message(&format!("run dummy_task --threads {bad}"));
        assert!(message.contains("'--threads <N>'") && message.contains("from 1 to 8"));
    }
}

#[test]
fn cores_are_bounded_by_the_target() {
    assert_eq!(run("dummy_task --cores 1").cores, Some(1));
    assert_eq!(run("dummy_task --cores 72").cores, Some(72));
    assert_eq!(run("dummy_task --cores 108 --target a5").cores, Some(108));
    for (target, most) in [("a2a3", 72), ("a5", 108)] {
        for bad in ["0", &(most + 1).to_string(), "70000", "-1", "all"] {
            let (message, hint) =
                refused(&format!("run dummy_task --target {target} --cores {bad}"));
            let expected = format!(
                "invalid value '{bad}' for '--cores <N>': {target} takes a whole number from 1 to \
                 {most}"
            );
            assert_eq!(message, expected);
            assert!(hint.contains(&most.to_string()));
        }
    }
}

#[test]
fn mailbox_slots_are_a_power_of_two_and_the_refusal_names_the_nearest() {
    assert_eq!(run("dummy_task --mailbox-slots 2").mailbox_slots, Some(2));
    assert_eq!(
        run("dummy_task --mailbox-slots 16777216").mailbox_slots,
        Some(1 << 24)
    );
    assert_eq!(
        message("run dummy_task --mailbox-slots 3000"),
        "invalid value '3000' for '--mailbox-slots <N>': it must be a power of two from 2 to \
         16777216; nearest are 2048 and 4096"
    );
    for bad in ["0", "1", "33554432", "-2", "x"] {
        let message = message(&format!("run dummy_task --mailbox-slots {bad}"));
        assert!(
            message.contains("a power of two from 2 to 16777216"),
            "{message}"
        );
    }
}

#[test]
fn a_deadline_is_at_least_one_millisecond() {
    assert_eq!(run("dummy_task --deadline-ms 1").deadline_ms, Some(1));
    for bad in ["0", "-1", "1s", "18446744073709551615"] {
        let message = message(&format!("run dummy_task --deadline-ms {bad}"));
        assert!(message.contains("from 1 to 18446744073709"), "{message}");
    }
}

#[test]
fn every_kind_of_dependency_and_no_other_is_accepted() {
    for (text, deps) in [
        ("data", Deps::Data),
        ("ctrl", Deps::Ctrl),
        ("both", Deps::Both),
    ] {
        assert_eq!(run(&format!("./trace --deps {text}")).deps, Some(deps));
        assert_eq!(deps.as_str(), text);
    }
    let message = message("run dummy_task --deps none");
    assert!(message.contains("data, ctrl, both"), "{message}");
}

#[test]
fn a_dot_or_a_slash_makes_a_path_and_nothing_else_does() {
    for path in ["a.json", "./dummy_task", "traces/run", "..", "/", ".hidden"] {
        assert_eq!(run(path).what, What::Path(PathBuf::from(path)));
    }
    assert_eq!(
        run("dummy_task").what,
        What::Scenario("dummy_task".to_owned())
    );
}

#[test]
fn a_path_need_not_be_text() {
    use std::os::unix::ffi::OsStringExt as _;
    let path = OsString::from_vec(b"./\xff".to_vec());
    let args = [
        OsString::from("finbox"),
        OsString::from("run"),
        path.clone(),
    ];
    let Ok(Command::Run(options)) = parse(args, TARGETS) else {
        panic!("refused")
    };
    assert_eq!(options.what, What::Path(PathBuf::from(path)));
    let name = OsString::from_vec(b"dummy\xff".to_vec());
    let args = [OsString::from("finbox"), OsString::from("run"), name];
    assert!(matches!(
        parse(args, TARGETS),
        Err(UsageError::UnknownScenario { .. })
    ));
}

#[test]
fn an_unknown_scenario_is_refused_with_near_names() {
    let (message, hint) = refused("run defered_notify_demo");
    assert_eq!(message, "there is no scenario called 'defered_notify_demo'");
    assert!(
        hint.starts_with("did you mean 'deferred_notify_demo'?"),
        "{hint}"
    );
    let (_, hint) = refused("run qqq");
    assert!(
        hint.starts_with("`finbox list` shows the scenarios"),
        "{hint}"
    );
    assert!(hint.contains("./NAME"), "{hint}");
}

#[test]
fn a_name_with_control_characters_is_shown_and_not_sent() {
    let error = parse(["finbox", "run", "a\u{1b}[2J"], TARGETS).unwrap_err();
    assert!(!error.to_text().contains('\u{1b}'));
    let error = parse(["finbox", "run", "x.y", "--seed", "\u{1b}[2J"], TARGETS).unwrap_err();
    assert!(!error.to_text().contains('\u{1b}'), "{:?}", error.to_text());
}

#[test]
fn no_arguments_show_the_help_and_are_refused() {
    let error = parsed("").unwrap_err();
    assert!(
        error.to_text().contains("Usage: finbox"),
        "{}",
        error.to_text()
    );
    assert_eq!(error.to_report().verdict.exit_code(), 2);
    assert_eq!(error.to_string(), "no command was given");
}

#[test]
fn grammar_errors_say_what_and_what_next_in_one_line_each() {
    for (line, expected) in [
        (
            "run",
            "the following required arguments were not provided: <SCENARIO|FILE>",
        ),
        (
            "run dummy_task dummy_task",
            "unexpected argument 'dummy_task' found",
        ),
        (
            "run dummy_task --seed",
            "a value is required for '--seed <S>' but none was supplied",
        ),
        (
            "run dummy_task --seed 1 --seed 2",
            "the argument '--seed <S>' cannot be used multiple",
        ),
        (
            "run dummy_task --json=yes",
            "unexpected value 'yes' for '--json'",
        ),
        ("lst", "unrecognized subcommand 'lst'"),
        ("list --quiet", "unexpected argument '--quiet' found"),
        ("--json", "unexpected argument '--json' found"),
    ] {
        let (message, hint) = refused(line);
        assert!(message.starts_with(expected), "{line}: {message}");
        assert!(
            !message.contains('\n') && !hint.contains('\n') && !hint.is_empty(),
            "{line}"
        );
    }
}

#[test]
fn a_mistyped_option_or_command_is_answered_with_the_near_one() {
    assert_eq!(
        refused("run dummy_task --sed 4").1,
        "a similar argument exists: '--seed'"
    );
    assert_eq!(refused("lis").1, "a similar subcommand exists: 'list'");
}

#[test]
fn list_takes_json_and_nothing_else() {
    assert_eq!(parsed("list"), Ok(Command::List { json: false }));
    assert_eq!(parsed("list --json"), Ok(Command::List { json: true }));
}

#[test]
fn json_is_wanted_wherever_it_stands_but_not_behind_a_lone_dash_pair() {
    for line in [
        "x --json",
        "x run --json --bad",
        "x --bad run --json",
        "x run --seed --json",
    ] {
        assert!(wants_json(&line.split(' ').collect::<Vec<_>>()), "{line}");
    }
    for line in [
        "x",
        "--json",
        "x run -- --json",
        "x run --jsonx",
        "x run json",
    ] {
        assert!(!wants_json(&line.split(' ').collect::<Vec<_>>()), "{line}");
    }
}
