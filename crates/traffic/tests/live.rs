//! Sessions while they happen: what is ordinary is left alone, what was planted is found and called by its name.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeSet, HashMap};

use lanner_boost::{Aim, Settings as Growing};
use lanner_testkit::{ApiClient, ApiRequest, api_traffic};
use lanner_traffic::{
    Account, ClientKind, KeyBy, Learner, Live, LiveSettings, Model, ModelDrift, ModelsInUse,
    NORMAL_PROBABILITIES, NamedModel, Recording, Report, Request, Role, Session, SessionSettings, Standing,
    Traffic,
};

const DAY_MS: i64 = 86_400_000;

const ORDINARY: [(ApiClient, u32); 3] =
    [(ApiClient::Human, 1_400), (ApiClient::Mobile, 700), (ApiClient::Partner, 150)];

fn settings() -> LiveSettings {
    LiveSettings { learn_ms: 20 * 3_600_000, ..LiveSettings::default() }
}

fn request(of: &ApiRequest) -> Request<'_> {
    Request {
        time_ms: of.time_ms,
        client: of.client.as_str().into(),
        method: of.method.into(),
        path: of.path.as_str().into(),
        query: of.query.as_str().into(),
        status: Some(of.status),
        agent: of.agent.into(),
        ..Request::default()
    }
}

fn watch(live: &mut Live, requests: &[ApiRequest]) -> Vec<Report> {
    let add = |live: &mut Live, of: &ApiRequest| live.add(&of.client, &request(of), || false).unwrap();
    requests.iter().flat_map(|of| add(live, of)).collect()
}

/// Everything that ends by a pause, with the clock an hour later.
fn end(live: &mut Live, at_ms: i64) -> Vec<Report> {
    let mut reports = live.advance(at_ms);
    reports.extend(live.advance(at_ms + 3_600_000));
    reports
}

/// Who is behind each key.
fn who(requests: &[ApiRequest]) -> HashMap<&str, ApiClient> {
    requests.iter().map(|request| (request.client.as_str(), request.of)).collect()
}

#[test]
fn what_is_ordinary_is_left_alone_and_what_was_planted_is_found() {
    for seed in [1, 2, 3] {
        let mut live = Live::new(settings());
        let learned = watch(&mut live, &api_traffic(seed, 0, "10.1", &ORDINARY));
        assert!(live.in_words().starts_with("learned from"), "{}", live.in_words());
        let is_named = |report: &&Report| !report.findings.is_empty();
        assert_eq!(learned.iter().filter(is_named).count(), 0, "findings in the learning period");

        let planted = [
            (ApiClient::Enumerator, 60),
            (ApiClient::Scraper, 60),
            (ApiClient::Stuffer, 60),
            (ApiClient::Polluter, 60),
        ];
        let requests = api_traffic(seed + 100, 2 * DAY_MS, "10.2", &[&ORDINARY[..], &planted].concat());
        let mut reports = watch(&mut live, &requests);
        reports.extend(end(&mut live, 4 * DAY_MS));
        let who = who(&requests);
        let mut tally: HashMap<ApiClient, (u32, u32)> = HashMap::new();
        for report in reports.iter().filter(|report| report.is_over && report.first_ms >= 2 * DAY_MS) {
            let of = who[&*report.key];
            assert_eq!(report.standing, Standing::Active);
            assert!(!report.is_flagged() || !report.reasons.is_empty());
            let (n_flagged, n) = tally.entry(of).or_default();
            *n_flagged += u32::from(report.is_flagged());
            *n += 1;
            let names: BTreeSet<&str> = report.findings.iter().map(|finding| finding.kind.name()).collect();
            let expected = match of {
                ApiClient::Enumerator => BTreeSet::from(["enumeration"]),
                ApiClient::Stuffer => BTreeSet::from(["brute_force"]),
                ApiClient::Polluter => BTreeSet::from(["parameter_pollution"]),
                _ => BTreeSet::new(),
            };
            assert!(names.is_subset(&expected), "{of:?}: {names:?} {:?}", report.reasons);
        }
        println!("seed {seed}: {tally:?}");
        let share = |all: &[ApiClient]| {
            let (n_flagged, n) = all.iter().map(|of| tally[of]).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
            f64::from(n_flagged) / f64::from(n)
        };
        let ordinary = share(&[ApiClient::Human, ApiClient::Mobile, ApiClient::Partner]);
        assert!(ordinary <= 0.02, "seed {seed}: {ordinary} of ordinary sessions are flagged");
        for of in [ApiClient::Enumerator, ApiClient::Scraper, ApiClient::Stuffer, ApiClient::Polluter] {
            assert!(share(&[of]) >= 0.9, "seed {seed}: {of:?}: {}", share(&[of]));
        }
        early(&reports, &who);
    }
}

/// What is planted is told while it lasts, once, and most of it before half of it is over.
fn early(reports: &[Report], who: &HashMap<&str, ApiClient>) {
    let (mut n_news, mut n_half) = (0, 0);
    let is_planted = |report: &&Report| {
        matches!(who.get(&*report.key), Some(ApiClient::Enumerator | ApiClient::Scraper | ApiClient::Stuffer))
    };
    let mut told = BTreeSet::new();
    for report in reports.iter().filter(|report| report.is_news) {
        // Once that it is flagged, and once that it has a finding, if that shows later.
        let what = (report.key.clone(), report.first_ms, report.findings.is_empty());
        assert!(told.insert(what), "told twice: {report:?}");
    }
    for over in reports.iter().filter(is_planted).filter(|report| report.is_over && report.is_flagged()) {
        let same = |report: &&Report| report.key == over.key && report.is_news;
        let news = reports.iter().find(same).unwrap();
        assert!(news.time_ms <= over.time_ms && (news.is_over || !over.is_news));
        n_news += 1;
        n_half += u32::from(2 * news.n_requests <= over.n_requests);
    }
    println!("{n_half} of {n_news} told before half of it");
    assert!(10 * n_half >= 9 * n_news);
}

/// The first requests of each client, three quarters of an hour from one to the next, so that each is a session by itself.
fn slowed(requests: &[ApiRequest], n: usize) -> Vec<ApiRequest> {
    let mut of_client: HashMap<&str, (i64, usize)> = HashMap::new();
    let mut slow = Vec::new();
    for request in requests {
        let (first_ms, i) = of_client.entry(&request.client).or_insert((request.time_ms, 0));
        if *i < n {
            slow.push(ApiRequest { time_ms: *first_ms + *i as i64 * 45 * 60_000, ..request.clone() });
        }
        *i += 1;
    }
    slow
}

/// Half of them within minutes, half over fifteen hours: each is told while it goes on, and called by its name.
#[test]
fn enumeration_and_pollution_are_found_slow_or_fast() {
    let (mut n_planted, mut n_found, mut n_wrong, mut n_ordinary) = (0, 0, 0, 0);
    for seed in [1, 2, 3] {
        let mut live = Live::new(settings());
        watch(&mut live, &api_traffic(seed, 0, "10.1", &ORDINARY));
        let planted = [(ApiClient::Enumerator, 40), (ApiClient::Polluter, 40)];
        let fast = api_traffic(seed + 10, 2 * DAY_MS, "10.3", &planted);
        let slow = slowed(&api_traffic(seed + 20, 2 * DAY_MS, "10.4", &planted), 20);
        let mut requests = api_traffic(seed + 100, 2 * DAY_MS, "10.2", &ORDINARY);
        requests.extend(fast.into_iter().chain(slow));
        requests.sort_by_key(|request| request.time_ms);
        let mut reports = watch(&mut live, &requests);
        reports.extend(end(&mut live, 5 * DAY_MS));
        let who = who(&requests);
        let mut named: BTreeSet<(&str, &str)> = BTreeSet::new();
        for report in reports.iter().filter(|report| report.is_news && report.first_ms >= 2 * DAY_MS) {
            named.extend(report.findings.iter().map(|finding| (&*report.key, finding.kind.name())));
        }
        for (client, of) in &who {
            let expected = match of {
                ApiClient::Enumerator => "enumeration",
                ApiClient::Polluter => "parameter_pollution",
                _ => {
                    n_ordinary += 1;
                    n_wrong += usize::from(named.iter().any(|(key, _)| key == client));
                    continue;
                }
            };
            if !named.contains(&(client, expected)) {
                println!("not found: {of:?} {client}");
            }
            n_planted += 1;
            n_found += usize::from(named.contains(&(client, expected)));
        }
        let spread =
            reports.iter().flat_map(|report| &report.reasons).find(|reason| reason.contains("within 1"));
        println!(
            "seed {seed}: {n_found} of {n_planted} found, {n_wrong} of {n_ordinary} ordinary; such as {spread:?}"
        );
    }
    assert!(10 * n_found >= 9 * n_planted, "{n_found} of {n_planted}");
    assert!(1_000 * n_wrong <= n_ordinary, "{n_wrong} of {n_ordinary} ordinary clients");
}

#[test]
fn kinds_of_clients_are_told_by_behaviour() {
    let mut live = Live::new(settings());
    let requests = api_traffic(5, 0, "10.1", &[(ApiClient::Human, 300), (ApiClient::Partner, 50)]);
    let mut reports = watch(&mut live, &requests);
    reports.extend(end(&mut live, 2 * DAY_MS));
    let who = who(&requests);
    for (of, kind) in [(ApiClient::Human, ClientKind::Human), (ApiClient::Partner, ClientKind::Automation)] {
        let kinds: Vec<ClientKind> = reports
            .iter()
            .filter(|report| who[&*report.key] == of)
            .filter_map(|report| report.client)
            .collect();
        let n = kinds.iter().filter(|found| **found == kind).count();
        println!("{n} of {} are {}", kinds.len(), kind.name());
        assert!(10 * n >= 9 * kinds.len() && !kinds.is_empty());
    }
}

#[test]
fn the_clock_changes_no_report() {
    let requests = api_traffic(6, 0, "10.1", &[(ApiClient::Human, 200), (ApiClient::Stuffer, 5)]);
    let settings = LiveSettings { learn_ms: 8 * 3_600_000, n_learned: 40, ..LiveSettings::default() };
    let sorted = |mut reports: Vec<Report>| {
        reports.sort_by(|a, b| (a.time_ms, &a.key).cmp(&(b.time_ms, &b.key)));
        reports
    };
    let mut live = Live::new(settings.clone());
    let mut alone = watch(&mut live, &requests);
    alone.extend(end(&mut live, 3 * DAY_MS));
    let (mut live, mut ticked) = (Live::new(settings), Vec::new());
    for of in &requests {
        ticked.extend(live.advance(of.time_ms));
        ticked.extend(watch(&mut live, std::slice::from_ref(of)));
    }
    ticked.extend(end(&mut live, 3 * DAY_MS));
    assert_eq!(sorted(alone), sorted(ticked));
}

#[test]
fn a_sender_whose_clock_is_ahead_ends_nobody_elses_session() {
    let mut live = Live::new(settings());
    let (mut reports, start_ms) = (Vec::new(), 10 * DAY_MS);
    let at = |time_ms, path: String, status| Request {
        time_ms,
        method: "GET".into(),
        path: path.into(),
        status: Some(status),
        ..Request::default()
    };
    for i in 0..30 {
        let now_ms = start_ms + i * 1_000;
        reports.extend(live.advance(now_ms));
        let denied = at(now_ms, format!("/orders/{}", 100 + i), 403);
        reports.extend(live.add("evil", &denied, || false).unwrap());
        let skewed = at(now_ms + 50 * 60_000, "/".to_owned(), 200);
        reports.extend(live.add("skewed", &skewed, || false).unwrap());
    }
    let told: Vec<_> = reports.iter().map(|report| (&*report.key, report.is_over)).collect();
    assert_eq!(told, [("evil", false)], "{reports:?}");
    assert!(reports[0].reasons[0].starts_with("enumeration"), "{reports:?}");
    let note = live.in_words();
    assert!(note.ends_with("2 open, 30 requests from over a minute ahead of the clock"), "{note}");
}

#[test]
fn what_was_learned_is_kept() {
    let settings = LiveSettings { learn_ms: 3_600_000, n_learned: 100, ..LiveSettings::default() };
    let requests = api_traffic(8, 0, "10.1", &[(ApiClient::Human, 600)]);
    let (first, second) = requests.split_at(requests.len() / 8);
    let mut live = Live::new(settings.clone());
    watch(&mut live, first);
    let learning = live.save("a");
    assert!(live.in_words().starts_with("learning from"), "{}", live.in_words());

    // Half of the learning before a restart, half after it.
    let mut again = Live::new(settings.clone());
    again.restore(&learning, "a").unwrap();
    watch(&mut again, second);
    assert!(again.in_words().starts_with("learned from"), "{}", again.in_words());
    let mut judged = Live::new(settings.clone());
    judged.restore(&again.save("a"), "a").unwrap();
    assert_eq!(judged.save("a"), again.save("a"));

    // Who was there when it began may have been there before.
    let later = api_traffic(9, 5 * DAY_MS, "10.2", &[(ApiClient::Human, 400), (ApiClient::Stuffer, 20)]);
    let mut reports = watch(&mut judged, &later);
    reports.extend(end(&mut judged, 7 * DAY_MS));
    let whole_from_ms = later[0].time_ms + settings.sessions.idle_ms;
    for report in &reports {
        assert_eq!(report.standing == Standing::Incomplete, report.first_ms < whole_from_ms);
        assert_eq!(report.score.is_some(), report.standing == Standing::Active);
    }

    let refused =
        |bytes: &[u8], identity: &str| Live::new(settings.clone()).restore(bytes, identity).unwrap_err();
    assert!(refused(&learning, "b").contains("other requests"));
    assert!(refused(&learning[..learning.len() - 1], "a").contains("damaged"));
    assert!(refused(b"", "a").contains("damaged"));
    let text = String::from_utf8_lossy(&judged.save("a")).replace("\"n_skipped_steps\"", "\"steps\"");
    assert!(refused(text.as_bytes(), "a").contains("other features"));
    let text = String::from_utf8_lossy(&judged.save("a")).replace("sessions/1", "sessions/7");
    assert!(refused(text.as_bytes(), "a").contains("sessions/7"));
}

#[test]
fn memory_is_bounded_and_late_requests_count() {
    let sessions = SessionSettings { max_open: 10, max_open_calls: 100, ..SessionSettings::default() };
    let mut live = Live::new(LiveSettings { sessions, ..settings() });
    let at = |time_ms| Request { time_ms, path: "/a".into(), status: Some(200), ..Request::default() };
    let mut n_over = 0;
    for i in 0..1_000 {
        let reports = live.add(&format!("client {i}"), &at(i * 10), || false).unwrap();
        n_over += reports.iter().filter(|report| report.is_over).count();
    }
    assert_eq!((n_over, live.tally().n_evicted), (990, 990));
    assert!(live.in_words().ends_with("10 open, 990 closed early for lack of room"), "{}", live.in_words());
    for i in 0..200 {
        live.add("one", &at(10_000 + i), || false).unwrap();
    }
    assert!(live.tally().n_evicted > 990);
    // Late: it counts as if it came with the last; beyond the clock: refused.
    live.add("late", &at(20_000), || false).unwrap();
    live.add("late", &at(15_000), || false).unwrap();
    assert_eq!(live.tally().n_late_calls, 1);
    live.advance(20_000);
    assert_eq!(live.add("late", &at(20_000 + 3_600_001), || false), None);
}

fn recorded(requests: &[ApiRequest]) -> Recording {
    let mut recording = Recording::new(KeyBy::Client);
    requests.iter().for_each(|of| recording.add(&request(of)));
    recording
}

/// A model that learned who enumerates and scrapes.
fn model(seed: u64) -> Model {
    let requests = api_traffic(
        seed,
        0,
        "10.1",
        &[(ApiClient::Human, 200), (ApiClient::Enumerator, 40), (ApiClient::Scraper, 40)],
    );
    let recording = recorded(&requests);
    let (templates, endpoints) = recording.learn(&[]);
    let Traffic { sessions, .. } = recording.traffic(&templates, &endpoints, SessionSettings::default());
    let who = who(&requests);
    let labels: Vec<bool> = sessions.iter().map(|session| who[&*session.key] != ApiClient::Human).collect();
    let of_people = sessions.iter().zip(&labels).filter(|(_, is_bad)| !**is_bad);
    let people: Vec<Session> = of_people.map(|(session, _)| session.clone()).collect();
    let mut learner = Learner::default();
    people.iter().for_each(|session| learner.add(session));
    let (groups, growing) = (
        (0..).take(sessions.len()).collect(),
        Growing { n_trees: 20, min_leaf_rows: 5, ..Growing::default() },
    );
    let parts = (templates, endpoints, learner.finish(&people));
    Model::learn(parts, &sessions, &labels, groups, (&growing, Aim::F1)).unwrap()
}

#[test]
fn models_in_use_judge_as_they_do_afterwards() {
    let named = |name: &str, seed| NamedModel { name: name.into(), model: std::sync::Arc::new(model(seed)) };
    let champion = named("first", 21);
    let models = ModelsInUse { champion: Some(champion.clone()), challenger: Some(named("second", 22)) };
    let requests = api_traffic(23, 0, "10.2", &[(ApiClient::Human, 100), (ApiClient::Scraper, 20)]);
    let (mut live, who) = (Live::new(settings()), who(&requests));
    // In use after a while: what is open then is judged by nobody.
    let (before, after) = requests.split_at(requests.len() / 10);
    let mut reports = watch(&mut live, before);
    assert!(reports.iter().all(|report| report.champion.is_none()));
    live.use_models(&models);
    let promoted_ms = after[0].time_ms;
    reports.extend(watch(&mut live, after));
    // The same again changes nothing.
    live.use_models(&models);
    reports.extend(end(&mut live, 2 * DAY_MS));

    let NamedModel { model, .. } = &champion;
    let afterwards =
        recorded(&requests).traffic(&model.templates, &model.endpoints, settings().sessions).sessions;
    let (mut n_judged, mut n_found, mut n_planted) = (0, 0, 0);
    for report in reports.iter().filter(|report| report.is_over) {
        let is_same = |session: &&Session| session.key == report.key && session.first_ms == report.first_ms;
        let session = afterwards.iter().find(is_same).unwrap();
        assert_eq!(report.champion.is_some(), report.first_ms >= promoted_ms, "{report:?}");
        let Some(verdict) = &report.champion else { continue };
        assert_eq!((&*verdict.model, verdict.probability), ("first", model.score(session, 0).probability));
        assert_eq!(report.challenger.as_ref().map(|it| &*it.model), Some("second"));
        assert_eq!(report.is_unusual(), verdict.is_flagged);
        assert!(!verdict.is_flagged || report.reasons.iter().any(|reason| verdict.reasons.contains(reason)));
        n_judged += 1;
        let is_planted = who[&*report.key] == ApiClient::Scraper;
        n_planted += u32::from(is_planted);
        n_found += u32::from(is_planted && verdict.is_flagged);
    }
    println!("{n_judged} judged, {n_found} of {n_planted} found");
    assert!(n_judged >= 80 && 10 * n_found >= 9 * n_planted && n_planted >= 10);
}

/// The requests of a session, as whoever keeps them has them.
fn requests_of<'r>(requests: &'r [ApiRequest], report: &Report) -> Vec<Request<'r>> {
    let is_own = |of: &&ApiRequest| *of.client == *report.key && of.time_ms >= report.first_ms;
    requests.iter().filter(is_own).map(request).collect()
}

#[test]
fn a_session_is_told_again_as_it_was_judged() {
    let mut live = Live::new(settings());
    watch(&mut live, &api_traffic(31, 0, "10.1", &ORDINARY));
    let planted = [(ApiClient::Enumerator, 20), (ApiClient::Scraper, 20), (ApiClient::Stuffer, 20)];
    let requests = api_traffic(32, 2 * DAY_MS, "10.2", &[&[(ApiClient::Human, 200)][..], &planted].concat());
    let mut reports = watch(&mut live, &requests);
    reports.extend(end(&mut live, 4 * DAY_MS));
    let who = who(&requests);
    let mut odd: HashMap<ApiClient, (u32, u32)> = HashMap::new();
    for report in reports.iter().filter(|report| report.is_over && report.first_ms >= 2 * DAY_MS) {
        let account = live.teller().account(&requests_of(&requests, report));
        assert_eq!(account.findings, report.findings);
        assert_eq!(account.endpoints.len(), report.n_endpoints);
        assert_eq!(account.endpoints.iter().map(|it| it.n_calls).sum::<u32>(), report.n_requests);
        assert_eq!(account.steps.iter().map(|step| step.n).sum::<u32>(), report.n_requests - 1);
        let [score] = &account.scores[..] else { panic!("{account:?}") };
        let sum = score.base + score.amounts.iter().map(|amount| amount.amount).sum::<f64>();
        assert!((sum - score.total).abs() < 1e-9 && score.decides, "{score:?}");
        assert!((score.total / score.threshold - report.score.unwrap()).abs() < 1e-9, "{score:?} {report:?}");
        assert_eq!(score.is_flagged(), report.is_unusual());
        let (n_odd, n) = odd.entry(who[&*report.key]).or_default();
        *n_odd += u32::from(account.steps.iter().any(lanner_traffic::Step::is_unusual));
        *n += 1;
    }
    println!("sessions with an unusual step: {odd:?}");
    // People take usual steps; who walks through orders gets there by one that nobody takes.
    assert_eq!(odd[&ApiClient::Enumerator], (20, 20), "{odd:?}");
    assert!(50 * odd[&ApiClient::Human].0 <= odd[&ApiClient::Human].1, "{odd:?}");
    assert_eq!(live.teller().account(&[]), Account::default());
}

#[test]
fn models_add_up_and_tell_how_far_traffic_has_moved() {
    let named = NamedModel { name: "first".into(), model: std::sync::Arc::new(model(21)) };
    let models = ModelsInUse { champion: Some(named.clone()), challenger: None };
    let look = |has_moved: bool| {
        let mut live = Live::new(settings());
        live.use_models(&models);
        let mut requests = api_traffic(24, 0, "10.4", &[(ApiClient::Human, 400)]);
        // A release: the catalogue is gone, and a search is in its place.
        requests
            .iter_mut()
            .filter(|_| has_moved)
            .for_each(|of| of.path = of.path.replace("v1/catalog", "v3/search"));
        let mut reports = watch(&mut live, &requests);
        reports.extend(end(&mut live, 2 * DAY_MS));
        for report in reports.iter().filter(|report| report.is_over).take(50) {
            let account = live.teller().account(&requests_of(&requests, report));
            let score = &account.scores[0];
            let probability = 1.0 / (1.0 + (-score.total).exp());
            let verdict = report.champion.as_ref().unwrap();
            assert!((probability - verdict.probability).abs() < 1e-9 && score.decides, "{score:?}");
            let sum = score.base + score.amounts.iter().map(|amount| amount.amount).sum::<f64>();
            assert!((sum - score.total).abs() < 1e-9, "{score:?}");
            assert_eq!(score.is_flagged(), verdict.is_flagged);
        }
        let [drift] = &live.drift()[..] else { panic!("one model is in use") };
        drift.clone()
    };
    let (calm, moved) = (look(false), look(true));
    let told = |it: &ModelDrift| (it.score_index.unwrap(), it.drift.clone().unwrap());
    let ((calm_index, calm_drift), (_, moved_drift)) = (told(&calm), told(&moved));
    println!("calm: {calm_index:.3} {calm_drift}; moved: {moved_drift}");
    assert_eq!((&*calm.model, calm.role, calm.n_sessions), ("first", Role::Champion, 400));
    assert!(calm_index < 0.25 && !calm_drift.is_large(), "{calm:?}");
    assert!(moved_drift.is_large() && moved_drift.new_share > 0.05, "{moved:?}");
    assert_eq!(calm_drift.new_share, 0.0);
    // A model that was learned before it kept its probabilities says less, and a new one has seen nothing yet.
    let mut old = model(21);
    old.notes.as_object_mut().unwrap().remove(NORMAL_PROBABILITIES);
    let old = NamedModel { name: "old".into(), model: std::sync::Arc::new(old) };
    let mut live = Live::new(settings());
    live.use_models(&ModelsInUse { champion: Some(old), challenger: Some(named) });
    watch(&mut live, &api_traffic(24, 0, "10.4", &[(ApiClient::Human, 100)]));
    end(&mut live, 2 * DAY_MS);
    let drift = live.drift();
    assert_eq!((drift[0].score_index, drift[0].n_sessions, drift[1].role), (None, 100, Role::Challenger));
    assert!(drift[1].score_index.is_some());
}
