//! A real browser without a window, told what to do as a person would: look, click, type.
//!
//! Chromium speaks the DevTools protocol on two pipes: JSON with a zero byte behind each message. So no port is open, and the
//! browser ends with the test.

use std::collections::{BTreeSet, VecDeque};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);
/// Its input and output become the pipes that Chromium expects under the numbers 3 and 4.
const PIPES: &str = r#"exec "$0" "$@" 3<&0 4>&1 >/dev/null 2>&1"#;
const FLAGS: [&str; 8] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--remote-debugging-pipe",
    "--disable-background-networking",
    "--disable-component-update",
];

/// One page in a browser of its own; both end when it is dropped.
#[derive(Debug)]
pub struct Browser {
    program: Child,
    input: ChildStdin,
    messages: Receiver<Value>,
    /// Events that came while an answer was waited for.
    events: VecDeque<Value>,
    session: Option<String>,
    n_sent: u64,
    complaints: Vec<String>,
    /// The methods and the addresses of all that was asked for.
    pub asked: BTreeSet<(String, String)>,
    /// How often [`Browser::click`] was called.
    pub n_clicks: u32,
}

impl Browser {
    /// Starts one with its profile in `folder`. `None`, said loudly, where `LANNER_TEST_CHROMIUM` names none.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start(folder: &Path) -> Option<Self> {
        let Some(program) = std::env::var_os("LANNER_TEST_CHROMIUM") else {
            eprintln!("SKIPPED: LANNER_TEST_CHROMIUM names no Chromium; `cargo xtask test` fetches it");
            return None;
        };
        Some(Self::run(Path::new(&program), folder))
    }

    #[expect(clippy::expect_used, reason = "a test cannot go on without it, and should say so")]
    fn run(program: &Path, folder: &Path) -> Self {
        let profile = format!("--user-data-dir={}", folder.display());
        let mut child = Command::new("sh")
            .args(["-c", PIPES])
            .arg(program)
            .args(FLAGS)
            .args([profile.as_str(), "about:blank"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell starts Chromium");
        let input = child.stdin.take().expect("its input is a pipe");
        let mut output = BufReader::new(child.stdout.take().expect("its output is a pipe"));
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            while output.read_until(0, &mut bytes).is_ok_and(|n| n > 0) {
                bytes.pop();
                let message = serde_json::from_slice(&bytes).unwrap_or_default();
                if sender.send(message).is_err() {
                    return;
                }
                bytes.clear();
            }
        });
        let mut browser = Self {
            program: child,
            input,
            messages,
            events: VecDeque::new(),
            session: None,
            n_sent: 0,
            complaints: Vec::new(),
            asked: BTreeSet::new(),
            n_clicks: 0,
        };
        browser.attach();
        browser
    }

    fn attach(&mut self) {
        let target = self.tell("Target.createTarget", &json!({ "url": "about:blank" }));
        let attached =
            self.tell("Target.attachToTarget", &json!({ "targetId": target["targetId"], "flatten": true }));
        self.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            self.tell(&format!("{domain}.enable"), &json!({}));
        }
    }

    /// Sends a command, and returns what it came to.
    ///
    /// # Panics
    /// When the browser refuses it or says nothing.
    #[expect(clippy::panic, reason = "a test cannot go on without an answer, and should say so")]
    pub fn tell(&mut self, method: &str, parameters: &Value) -> Value {
        self.ask(method, parameters).unwrap_or_else(|why| panic!("{method}: {why}"))
    }

    #[expect(clippy::expect_used, reason = "a test cannot go on without it, and should say so")]
    fn ask(&mut self, method: &str, parameters: &Value) -> Result<Value, String> {
        self.n_sent += 1;
        let id = self.n_sent;
        let mut command = json!({ "id": id, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            command["sessionId"] = json!(session);
        }
        let mut bytes = command.to_string().into_bytes();
        bytes.push(0);
        self.input.write_all(&bytes).expect("the browser reads");
        let deadline = Instant::now() + PATIENCE;
        loop {
            let message = self.next(deadline).ok_or("no answer")?;
            if message["id"] == id {
                let error = message["error"]["message"].as_str().map(str::to_owned);
                return error.map_or_else(|| Ok(message["result"].clone()), Err);
            }
            self.note(message);
        }
    }

    #[expect(clippy::panic, reason = "a test cannot go on without a browser, and should say so")]
    fn next(&self, deadline: Instant) -> Option<Value> {
        match self.messages.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => panic!("the browser ended"),
        }
    }

    /// Keeps what the page complains of, and what it asks for.
    fn note(&mut self, event: Value) {
        let parameters = &event["params"];
        let request = &parameters["request"];
        if let (Some("Network.requestWillBeSent"), Some(method), Some(url)) =
            (event["method"].as_str(), request["method"].as_str(), request["url"].as_str())
        {
            self.asked.insert((method.to_owned(), url.to_owned()));
        }
        let complaint = match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => Some(parameters["exceptionDetails"].to_string()),
            Some("Runtime.consoleAPICalled") if parameters["type"] == "error" => {
                Some(parameters["args"].to_string())
            }
            Some("Log.entryAdded") if parameters["entry"]["level"] == "error" => {
                Some(format!("{} ({})", parameters["entry"]["text"], parameters["entry"]["url"]))
            }
            _ => None,
        };
        self.complaints.extend(complaint);
        self.events.push_back(event);
        if self.events.len() > 1_000 {
            self.events.pop_front();
        }
    }

    /// What scripts threw, what the console was told as an error, and what the security policy refused, since this was last
    /// asked.
    pub fn complaints(&mut self) -> Vec<String> {
        // What was said before this answer has arrived by then.
        self.tell("Runtime.evaluate", &json!({ "expression": "0" }));
        std::mem::take(&mut self.complaints)
    }

    /// Makes the window so large, in pixels; a narrow one is that of a telephone.
    pub fn resize(&mut self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.tell("Emulation.setDeviceMetricsOverride", &size);
    }

    /// Whether the person prefers dark pages.
    pub fn prefer_dark(&mut self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        self.tell(
            "Emulation.setEmulatedMedia",
            &json!({ "features": [{ "name": "prefers-color-scheme", "value": value }] }),
        );
    }

    /// Whether pages may run scripts.
    pub fn allow_scripts(&mut self, allowed: bool) {
        self.tell("Emulation.setScriptExecutionDisabled", &json!({ "value": !allowed }));
    }

    /// Opens an address, until its document and its style are there. Streams that stay open are not waited for.
    pub fn go(&mut self, url: &str) {
        let before = self.document();
        self.tell("Page.navigate", &json!({ "url": url }));
        self.arrive(&before);
    }

    /// Which document is shown; another one after every navigation.
    fn document(&mut self) -> Value {
        let tree = self.tell("Page.getFrameTree", &json!({}));
        tree["frameTree"]["frame"]["loaderId"].clone()
    }

    /// Waits until another document than `before` is there, with its style: what is clicked before may move away.
    #[expect(clippy::panic, reason = "a test cannot go on, and should say so")]
    fn arrive(&mut self, before: &Value) {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if self.document() != *before && self.evaluate("document.readyState") == json!("complete") {
                return;
            }
            std::thread::sleep(POLL);
        }
        panic!("the page did not change; it is {}", self.evaluate("location.href"));
    }

    /// What an expression of JavaScript comes to; `null` where it cannot be told.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let parameters = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        // While one document takes the place of another, nothing can be asked.
        self.ask("Runtime.evaluate", &parameters)
            .map(|answer| answer["result"]["value"].clone())
            .unwrap_or_default()
    }

    /// Waits until an expression comes to `true`.
    ///
    /// # Panics
    /// When it does not.
    #[expect(clippy::panic, reason = "a test cannot go on, and should say so")]
    pub fn wait_for(&mut self, expression: &str) {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if self.evaluate(expression) == json!(true) {
                return;
            }
            std::thread::sleep(POLL);
        }
        panic!("never true: {expression}\n{}", self.text("body"));
    }

    /// The text of the first element that a selector finds; empty without one.
    pub fn text(&mut self, selector: &str) -> String {
        let found = self.evaluate(&format!("document.querySelector({})?.innerText", json!(selector)));
        found.as_str().unwrap_or_default().to_owned()
    }

    /// Clicks where an element is, as a person does: what lies above it is clicked instead.
    ///
    /// # Panics
    /// When there is no such element, or it cannot be seen.
    pub fn click(&mut self, selector: &str) {
        self.n_clicks += 1;
        let (x, y) = self.place(selector);
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({ "type": kind, "x": x, "y": y, "button": "left", "clickCount": 1 });
            self.tell("Input.dispatchMouseEvent", &event);
        }
    }

    /// Where to click on something, which may still be on its way.
    #[expect(clippy::panic, reason = "a test cannot go on, and should say so")]
    fn place(&mut self, selector: &str) -> (f64, f64) {
        let find = format!(
            "(() => {{ const it = document.querySelector({}); if (!it) return null; it.scrollIntoView({{ block: 'center', behavior: 'instant' }}); \
             const box = it.getClientRects()[0]; return box ? [box.x + Math.min(box.width, 60) / 2, box.y + box.height / 2] : null; }})()",
            json!(selector)
        );
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let at = self.evaluate(&find);
            if let (Some(x), Some(y)) = (at[0].as_f64(), at[1].as_f64()) {
                return (x, y);
            }
            if Instant::now() > deadline {
                panic!("there is no {selector} to click:\n{}", self.text("body"));
            }
            std::thread::sleep(POLL);
        }
    }

    /// Clicks something that leads to another page, and waits for that.
    pub fn follow(&mut self, selector: &str) {
        let before = self.document();
        self.click(selector);
        self.arrive(&before);
    }

    /// Writes into a field, in place of what stands there.
    pub fn write(&mut self, selector: &str, text: &str) {
        self.evaluate(&format!(
            "(() => {{ const it = document.querySelector({}); it.focus(); it.select?.(); }})()",
            json!(selector)
        ));
        self.tell("Input.insertText", &json!({ "text": text }));
    }

    /// Presses a key: `ArrowLeft`, `Tab`, `n`; with the shift key for `Shift+ArrowUp`.
    pub fn press(&mut self, key: &str) {
        let (modifiers, key) = key.strip_prefix("Shift+").map_or((0, key), |key| (8, key));
        let code = match key {
            "Tab" => 9,
            "Enter" => 13,
            "Escape" => 27,
            "End" => 35,
            "Home" => 36,
            "ArrowLeft" => 37,
            "ArrowUp" => 38,
            "ArrowRight" => 39,
            "ArrowDown" => 40,
            _ => key.bytes().next().map_or(0, |byte| u32::from(byte.to_ascii_uppercase())),
        };
        let text = match key {
            "Enter" => Some("\r"),
            key if key.len() == 1 => Some(key),
            _ => None,
        };
        for kind in [if text.is_some() { "keyDown" } else { "rawKeyDown" }, "keyUp"] {
            let mut event =
                json!({ "type": kind, "key": key, "windowsVirtualKeyCode": code, "modifiers": modifiers });
            if let Some(text) = text.filter(|_| kind == "keyDown") {
                event["text"] = json!(text);
            }
            self.tell("Input.dispatchKeyEvent", &event);
        }
    }

    /// A picture of the page as PNG, in Base64.
    pub fn picture(&mut self) -> String {
        let picture = self.tell("Page.captureScreenshot", &json!({ "format": "png" }));
        picture["data"].as_str().unwrap_or_default().to_owned()
    }

    /// What makes a page hard or impossible to use for people with disabilities, as axe-core sees it: what it calls serious or
    /// critical.
    ///
    /// - `axe`: its script
    pub fn barriers(&mut self, axe: &str) -> Vec<String> {
        self.tell("Runtime.evaluate", &json!({ "expression": axe }));
        let found = self.evaluate(
            "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations \
             .filter(({ impact }) => impact === 'serious' || impact === 'critical') \
             .map((it) => `${it.id}: ${it.help}: ${it.nodes.slice(0, 3).map((node) => node.html).join(' ')}`))",
        );
        let found = found.as_array().cloned().unwrap_or_else(|| vec![json!("axe-core says nothing")]);
        found.iter().map(|it| it.as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Texts that cannot be told from what lies behind them: those with a contrast below 4.5, each with its colours, as the
    /// Web Content Accessibility Guidelines count it.
    pub fn faint_texts(&mut self) -> Vec<String> {
        let found = self.evaluate(include_str!("contrast.js"));
        let found = found.as_array().cloned().unwrap_or_else(|| vec![json!("nothing was measured")]);
        found.iter().map(|it| it.as_str().unwrap_or_default().to_owned()).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}
