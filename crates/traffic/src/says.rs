//! What a client says of itself, by its agent.

/// What an agent says of itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Says {
    /// Nothing.
    #[default]
    Nothing,
    /// That it is a crawler.
    Bot,
    /// That it is a program or a library of one.
    Program,
    /// Anything else: browsers and apps.
    Other,
}

const BOTS: [&str; 6] = ["bot", "crawl", "spider", "slurp", "archiver", "facebookexternalhit"];

const PROGRAMS: [&str; 15] = [
    "curl",
    "wget",
    "python",
    "java/",
    "libwww",
    "go-http",
    "httpclient",
    "aiohttp",
    "axios",
    "node-fetch",
    "scrapy",
    "ruby",
    "perl",
    "postman",
    "headless",
];

impl Says {
    /// What this agent says. Cost: linear in its text.
    #[must_use]
    pub fn of(agent: &str) -> Self {
        let agent = agent.to_ascii_lowercase();
        let names = |words: &[&str]| words.iter().any(|word| agent.contains(word));
        if agent.is_empty() || agent == "-" {
            Self::Nothing
        } else if names(&BOTS) {
            Self::Bot
        } else if names(&PROGRAMS) {
            Self::Program
        } else {
            Self::Other
        }
    }
}
