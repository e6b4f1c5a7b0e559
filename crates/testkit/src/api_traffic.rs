//! Generated API traffic with known classes: people at a shop, a partner's program, and those who misuse it.

/// Who makes a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ApiClient {
    /// A person at a browser.
    Human,
    /// A person at an app.
    Mobile,
    /// A program that reads the catalogue page by page, as agreed.
    Partner,
    /// Copies product after product.
    Scraper,
    /// Tries the numbers of orders one after the other.
    Enumerator,
    /// Tries passwords.
    Stuffer,
    /// Gives parameters twice.
    Polluter,
}

/// One request of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiRequest {
    /// When; milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// An address, of one session alone.
    pub client: String,
    /// What the client calls itself.
    pub agent: &'static str,
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The path.
    pub path: String,
    /// What follows the question mark.
    pub query: String,
    /// The answer.
    pub status: u16,
    /// Whose it is.
    pub of: ApiClient,
}

const BROWSERS: [&str; 2] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/124.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_4) Safari/605.1",
];
const APPS: [&str; 2] = ["ShopApp/4.2 (iPhone; iOS 17.4)", "ShopApp/4.2 (Android 14)"];

/// Steps of a journey: a method and a path with places for an object `{i}` and the user `{u}`.
type Journey = &'static [(&'static str, &'static str)];

const JOURNEYS: [(u64, Journey); 5] = [
    (
        40,
        &[
            ("GET", "/api/v1/home"),
            ("GET", "/api/v1/catalog"),
            ("GET", "/api/v1/products/{i}"),
            ("GET", "/api/v1/products/{i}/reviews"),
        ],
    ),
    (25, &[("GET", "/api/v1/search"), ("GET", "/api/v1/products/{i}"), ("POST", "/api/v1/cart/items")]),
    (
        15,
        &[
            ("GET", "/api/v1/cart"),
            ("POST", "/api/v1/cart/items"),
            ("GET", "/api/v1/users/{u}/addresses"),
            ("POST", "/api/v1/orders"),
            ("POST", "/api/v1/payments"),
            ("GET", "/api/v1/orders/{i}"),
        ],
    ),
    (
        15,
        &[
            ("POST", "/api/v1/login"),
            ("GET", "/api/v1/users/{u}"),
            ("GET", "/api/v1/users/{u}/orders"),
            ("GET", "/api/v1/orders/{i}"),
        ],
    ),
    (5, &[("GET", "/api/v1/tickets"), ("POST", "/api/v1/tickets"), ("GET", "/api/v1/tickets/{i}")]),
];

/// Numbers that look like chance, the same for the same seed (SplitMix64).
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// From 0 up to `n`, without it.
    fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    /// Above 0, up to 1.
    fn share(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }

    fn is(&mut self, share: f64) -> bool {
        self.share() <= share
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.share().ln()).sqrt() * (std::f64::consts::TAU * self.share()).cos()
    }

    /// Seconds whose logarithm is normal, as pauses of people are.
    fn pause_s(&mut self, log_mean: f64) -> f64 {
        (log_mean + self.normal()).exp()
    }

    fn of<T: Copy>(&mut self, all: &[T; 2]) -> T {
        all[usize::from(self.is(0.5))]
    }
}

/// Sessions of these clients, so many of each, spread evenly over a day that begins at `start_ms`, as their requests in the
/// order of time. Addresses begin with `network`, such as `10.1`. The same seed gives the same.
///
/// ```
/// use lanner_testkit::{ApiClient, api_traffic};
///
/// let requests = api_traffic(7, 0, "10.1", &[(ApiClient::Human, 20), (ApiClient::Enumerator, 1)]);
/// assert_eq!(requests, api_traffic(7, 0, "10.1", &[(ApiClient::Human, 20), (ApiClient::Enumerator, 1)]));
/// assert!(requests.is_sorted_by_key(|request| request.time_ms));
/// ```
#[must_use]
pub fn api_traffic(seed: u64, start_ms: i64, network: &str, clients: &[(ApiClient, u32)]) -> Vec<ApiRequest> {
    let mut random = Random(seed);
    let mut requests = Vec::new();
    let all = clients.iter().flat_map(|(client, n)| (0..*n).map(|_| *client));
    for (number, of) in (0_u32..).zip(all) {
        let client = format!("{network}.{}.{}", number / 250, number % 250 + 1);
        let agent = agent(of, &mut random);
        let mut time_ms = start_ms + random.below(86_400_000) as i64;
        for step in steps(of, &mut random) {
            time_ms += (step.pause_s * 1_000.0) as i64;
            requests.push(ApiRequest {
                time_ms,
                client: client.clone(),
                agent,
                method: step.method,
                path: step.path,
                query: step.query,
                status: step.status,
                of,
            });
        }
    }
    requests.sort_by_key(|request| request.time_ms);
    requests
}

fn agent(of: ApiClient, random: &mut Random) -> &'static str {
    match of {
        ApiClient::Mobile => random.of(&APPS),
        ApiClient::Partner => "partner-sync/1.3",
        _ => random.of(&BROWSERS),
    }
}

struct Step {
    pause_s: f64,
    method: &'static str,
    path: String,
    query: String,
    status: u16,
}

fn step(pause_s: f64, method: &'static str, path: String, status: u16) -> Step {
    Step { pause_s, method, path, query: String::new(), status }
}

fn steps(of: ApiClient, random: &mut Random) -> Vec<Step> {
    match of {
        ApiClient::Human => journeys(random, 1.2),
        ApiClient::Mobile => journeys(random, 0.7),
        ApiClient::Partner => (0..20 + random.below(60)).map(|page| catalogue(page, random)).collect(),
        ApiClient::Scraper => (0..60 + random.below(240)).map(|_| copy(random)).collect(),
        ApiClient::Enumerator => walk(random),
        ApiClient::Stuffer => (0..15 + random.below(75)).map(|_| attempt(random)).collect(),
        ApiClient::Polluter => journeys(random, 1.2).into_iter().map(pollute).collect(),
    }
}

/// What people do: some journeys, not all to their end, some steps twice.
fn journeys(random: &mut Random, log_pause: f64) -> Vec<Step> {
    let (mut steps, user) = (Vec::new(), random.below(5_000));
    loop {
        let (journey, object) = (journey(random), random.below(9_000));
        let n = 2 + random.below(journey.len() as u64 - 1) as usize;
        for (method, path) in journey.iter().take(n) {
            let path = path.replace("{i}", &object.to_string()).replace("{u}", &user.to_string());
            for _ in 0..=u8::from(random.is(0.25)) {
                let status = if random.is(0.97) { 200 } else { 404 };
                steps.push(step(random.pause_s(log_pause), method, path.clone(), status));
            }
        }
        if random.is(0.35) {
            return steps;
        }
    }
}

fn journey(random: &mut Random) -> Journey {
    let mut at = random.below(100);
    for (weight, journey) in JOURNEYS {
        if at < weight {
            return journey;
        }
        at -= weight;
    }
    JOURNEYS[0].1
}

fn catalogue(page: u64, random: &mut Random) -> Step {
    let step = step(2.0 + 0.1 * random.normal(), "GET", "/api/v1/catalog".to_owned(), 200);
    Step { query: format!("page={}", page + 1), ..step }
}

fn copy(random: &mut Random) -> Step {
    let (pause_s, product) = ((0.4 + 0.15 * random.normal()).abs(), random.below(9_000));
    let status = if random.is(0.95) { 200 } else { 429 };
    step(pause_s, "GET", format!("/api/v1/products/{product}"), status)
}

fn walk(random: &mut Random) -> Vec<Step> {
    let first = random.below(8_000);
    let mut steps = vec![step(1.0, "POST", "/api/v1/login".to_owned(), 200)];
    for at in first..first + 30 + random.below(120) {
        let status = if random.is(0.15) { 200 } else { 403 };
        steps.push(step(-0.9 * random.share().ln(), "GET", format!("/api/v1/orders/{at}"), status));
    }
    steps
}

fn attempt(random: &mut Random) -> Step {
    let status = if random.is(0.98) { 401 } else { 200 };
    step(-1.5 * random.share().ln(), "POST", "/api/v1/login".to_owned(), status)
}

fn pollute(step: Step) -> Step {
    Step { query: "user=1&user=2".to_owned(), ..step }
}
