//! Castkeep, whole and running on this machine.

use std::{fs, net::SocketAddr, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::{
    Failure, Progress,
    aws::Aws,
    background::Background,
    demo::Demo,
    deploy::{self, Outputs},
    digest,
    edge::{self, LateOrigin, Origin},
    emulator::{Emulator, Launch},
    environment,
    functions::{self, Bootstrap},
    home::Home,
    http::Http,
    ports::Ports,
    progress::Step,
    python,
    rerender::rerender_all,
    template::Template,
};

/// Remembers where the listener API was.
const LISTENER_URL: &str = "listener-url";
/// Who sends mail; the emulator keeps it.
const MAIL_FROM: &str = "podcasts@castkeep.example";

/// What to start.
#[derive(Debug, Clone)]
pub struct Options {
    /// The first of three ports in a row: tenancy API, listener API, emulator. `None` takes any three that are free.
    pub port: Option<u16>,
    /// Where the state lives.
    pub home: PathBuf,
    /// Deletes the home when the stack stops.
    pub is_temporary: bool,
    /// Begins with an empty state.
    pub fresh: bool,
    /// Loads the two demo tenancies where they are not there yet.
    pub load_demo: bool,
    /// Where progress goes.
    pub progress: Progress,
    /// What feeds are imported from besides the open internet and this stack itself: hosts that are played on this machine.
    pub import_reach: Vec<SocketAddr>,
}

/// A client's id and secret, for `client_credentials`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// `key_…`, or `operator`.
    pub client_id: String,
    /// The API shows it once; the runner remembers those of the demo.
    pub client_secret: String,
}

/// A running stack. Everything stops on drop; [`Stack::stop`] lets the emulator save its state first.
#[derive(Debug)]
pub struct Stack {
    api: String,
    listener: String,
    operator: Client,
    demo: Demo,
    outputs: Outputs,
    aws: Aws,
    http: Http,
    launch: Launch,
    // Dropped in this order: nobody asks, nobody answers, the directory is free.
    background: Background,
    emulator: Mutex<Emulator>,
    home: Home,
}

impl Options {
    /// What `cargo run -p local` starts without arguments.
    pub fn new() -> Self {
        Self {
            port: Some(8400),
            home: environment::project().join(".local"),
            is_temporary: false,
            fresh: false,
            load_demo: true,
            progress: Progress::Stderr,
            import_reach: Vec::new(),
        }
    }

    /// What a test starts: free ports, an empty state of its own, no demo, no words.
    ///
    /// # Errors
    /// Where the operating system gives no random name.
    pub fn for_tests() -> Result<Self, Failure> {
        let tests = environment::project().join(".local/tests");
        // What processes left behind that had no time to drop their stacks.
        Home::sweep(&tests);
        Ok(Self {
            port: None,
            home: tests.join(digest::new_secret()?),
            is_temporary: true,
            fresh: true,
            load_demo: false,
            progress: Progress::Quiet,
            import_reach: Vec::new(),
        })
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl Stack {
    /// Starts everything and returns when it answers.
    ///
    /// # Errors
    /// With what happened and what to do; nothing is left running.
    pub async fn start(options: Options) -> Result<Self, Failure> {
        options.progress.step("State").doing("waiting for the run that has it");
        let home = Home::open(&options.home, options.is_temporary).await?;
        let ports = options.port.map_or_else(Ports::find, Ports::take)?;
        home.prepare(options.fresh)?;

        let step = options.progress.step("Python");
        let python = python::prepare(&step).await?;
        step.done("ready");

        let step = options.progress.step("Functions");
        let template = read_template()?;
        let bootstraps = functions::build(&template.binaries()?, &step).await?;
        step.done(&format!("{} built and packed", bootstraps.len()));

        let step = options.progress.step("Emulator");
        let background = Background::new()?;
        let edges = [ports.api, ports.listener].map(|port| edge::open(port, background.handle()));
        drop(ports.emulator);
        let http = Http::new(background.handle().clone());
        let launch = Launch { python, port: ports.first.saturating_add(2) };
        let emulator = launch.start(&home, &http).await?;
        step.done(&emulator.scanner().unwrap_or_else(|| "running".to_owned()));

        let url = |offset| format!("http://127.0.0.1:{}", ports.first.saturating_add(offset));
        let mut stack = Self {
            api: url(0),
            listener: url(1),
            operator: operator(&home)?,
            demo: Demo::default(),
            outputs: Outputs::new(),
            aws: Aws::new(launch.endpoint(), http.clone()),
            http,
            launch,
            background,
            emulator: Mutex::new(emulator),
            home,
        };
        match stack.fill(template, &bootstraps, edges, &options).await {
            Ok(()) => Ok(stack),
            Err(failure) => {
                stack.stop().await;
                Err(failure)
            }
        }
    }

    async fn fill(
        &mut self,
        template: Template,
        bootstraps: &[Bootstrap],
        edges: [Result<LateOrigin, Failure>; 2],
        options: &Options,
    ) -> Result<(), Failure> {
        let step = options.progress.step("Deployment");
        let import_reach = self.import_reach(options);
        let parameters = [
            ("Stage", "dev"),
            ("ApiUrl", &self.api),
            ("ListenerUrl", &self.listener),
            ("OperatorSecretSha256", &digest::sha256_hex(self.operator.client_secret.as_bytes())),
            ("Architecture", lambda_architecture()),
            ("MailFrom", MAIL_FROM),
            ("ImportReach", &import_reach),
        ];
        self.aws.verify_mail_domain(MAIL_FROM).await?;
        let result = format!("{} resources", template.resource_count());
        self.outputs = deploy::deploy(&self.aws, template, bootstraps, &parameters, &step).await?;
        let [api, listener] = edges;
        api?.set(self.origin("TenancyApiId", "/live")?).ok();
        listener?.set(self.origin("ListenerApiId", "")?).ok();
        step.done(&result);

        let moved_from = self.move_feeds().await?;
        if options.load_demo {
            let step = options.progress.step("Demo");
            let result = self.find_or_load_demo(moved_from.as_deref(), &step).await?;
            step.done(result);
        }
        self.home.remember(LISTENER_URL, &self.listener)?;
        self.home.finish_first_run()
    }

    /// A feed of this stack can be imported: its listener API, and the emulator that has the files.
    fn import_reach(&self, options: &Options) -> String {
        let own =
            [&self.listener, &self.launch.endpoint()].map(|url| url.trim_start_matches("http://").to_owned());
        let played = options.import_reach.iter().map(ToString::to_string);
        own.into_iter().chain(played).collect::<Vec<_>>().join(",")
    }

    /// Where the listener API was in the run before, if that was elsewhere. Then every feed is rendered anew.
    async fn move_feeds(&self) -> Result<Option<String>, Failure> {
        let moved_from = self.home.recall(LISTENER_URL).filter(|url| *url != self.listener);
        if moved_from.is_some() {
            let render_queue = self.physical_id("RenderQueue").await?;
            rerender_all(&self.aws, self.output("TenantTable").unwrap_or_default(), &render_queue).await?;
        }
        Ok(moved_from)
    }

    async fn find_or_load_demo(
        &mut self,
        moved_from: Option<&str>,
        step: &Step,
    ) -> Result<&'static str, Failure> {
        let Some(demo) = Demo::recall(&self.home) else {
            self.demo = Demo::load(&self.http, &self.api, &self.operator, step).await?;
            self.demo.remember(&self.home)?;
            return Ok("two tenancies with episodes loaded");
        };

        self.demo = demo;
        self.demo.check(&self.http, &self.api).await?;
        let Some(old_url) = moved_from else { return Ok("kept from an earlier run") };
        self.demo = self.demo.clone().moved(old_url, &self.listener);
        self.demo.remember(&self.home)?;
        self.demo.wait_for_feeds(&self.http, &self.listener).await?;
        Ok("kept from an earlier run, feeds moved here")
    }

    fn origin(&self, api: &str, path_prefix: &'static str) -> Result<Origin, Failure> {
        let id = self.output(api).ok_or_else(|| {
            Failure::new(
                format!("template.yaml has no output {api}."),
                "Add it: the edge must know where to pass requests on.",
            )
        })?;
        Ok(Origin {
            authority: format!("127.0.0.1:{}", self.launch.port),
            host: format!("{id}.execute-api.localhost:{}", self.launch.port),
            path_prefix,
        })
    }

    /// The tenancy API, without a slash at its end.
    pub fn api(&self) -> &str {
        &self.api
    }

    /// The listener API, without a slash at its end.
    pub fn listener(&self) -> &str {
        &self.listener
    }

    /// Who may create tenancies.
    pub fn operator(&self) -> &Client {
        &self.operator
    }

    /// The demo tenancies; empty where none were loaded.
    pub fn demo(&self) -> &Demo {
        &self.demo
    }

    /// An output of the template, such as `TenantTable`.
    pub fn output(&self, name: &str) -> Option<&str> {
        self.outputs.get(name).map(String::as_str)
    }

    /// What the emulated AWS calls a resource of the template: a queue's URL, a table's name, a key's id.
    ///
    /// # Errors
    /// Where the template has no such resource.
    pub async fn physical_id(&self, logical_id: &str) -> Result<String, Failure> {
        deploy::find_physical_id(&self.aws, logical_id).await
    }

    /// The emulated AWS, with its root key.
    pub fn aws(&self) -> &Aws {
        &self.aws
    }

    /// A client for the two APIs.
    pub fn http(&self) -> &Http {
        &self.http
    }

    /// Kills the emulator as `kill -9` does. Until it is started again, the two APIs answer 502.
    pub async fn kill_emulator(&self) {
        self.emulator.lock().await.kill();
    }

    /// Starts the emulator again, with the state that it saved last.
    ///
    /// # Errors
    /// Where it does not come up.
    pub async fn restart_emulator(&self) -> Result<(), Failure> {
        let mut emulator = self.emulator.lock().await;
        emulator.kill();
        *emulator = self.launch.start(&self.home, &self.http).await?;
        Ok(())
    }

    /// Returns when the emulator has ended by itself, and says so.
    pub async fn emulator_ended(&self) -> Failure {
        loop {
            let mut emulator = self.emulator.lock().await;
            if emulator.has_ended() {
                return emulator.failure("ended by itself");
            }
            drop(emulator);
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    /// Stops the emulator and deletes a test's directory, where what holds the stack is never dropped.
    pub async fn discard(&self) {
        self.emulator.lock().await.stop().await;
        self.home.discard();
    }

    /// Lets the emulator save its state, then stops everything; afterwards the ports are free.
    pub async fn stop(self) {
        self.emulator.lock().await.stop().await;
        self.background.stop().await;
    }
}

fn read_template() -> Result<Template, Failure> {
    let path = environment::project().join("template.yaml");
    let yaml = fs::read_to_string(&path).map_err(|error| Failure::file(&path, &error))?;
    Template::parse(&yaml)
}

/// The operator's secret is made with the state and stays as long.
fn operator(home: &Home) -> Result<Client, Failure> {
    const FILE: &str = "operator-secret";
    let client_secret = match home.recall(FILE) {
        Some(secret) => secret,
        None => {
            let secret = digest::new_secret()?;
            home.remember(FILE, &secret)?;
            secret
        }
    };
    Ok(Client { client_id: "operator".to_owned(), client_secret })
}

/// Lambda's name of the architecture that this program, and so each function, was compiled for.
fn lambda_architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }
}
