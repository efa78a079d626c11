//! The commands.
#![expect(
    clippy::print_stdout,
    reason = "whoever runs a command reads its answer"
)]

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tollgate::app::{self, App, Greeting, StartError};
use tollgate::clock::Clock;
use tollgate::config::{Config, ConfigError, Environment, StripeSettings};
use tollgate::sandbox;
use tracing_subscriber::EnvFilter;

/// It gives memory back at once (`.cargo/config.toml`): half of what the C library's keeps.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Sells tickets and booths, takes the money, and opens the gate once per ticket.
///
/// Without a command it serves. Settings come from the environment and, outside production,
/// from the file `.env`; the README lists them.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API (the default): migrates the database first, and does background work too.
    Serve {
        /// Leave background work to `tollgate worker`.
        #[arg(long)]
        no_worker: bool,
        /// Serve simulators of payment gateways too. Refused in production.
        #[arg(long)]
        sandbox: bool,
    },
    /// Do background work only: mails, the audit log's seals, clearing up.
    Worker,
    /// Bring the database up to date, and end.
    Migrate,
    /// Print the OpenAPI contract.
    Openapi,
    /// Fill the database with a festival to try things out with. Refused in production.
    Demo,
    /// Serve simulators of payment gateways, in memory. Refused in production.
    Sandbox,
    /// Administer accounts.
    Admin {
        #[command(subcommand)]
        command: AdminCommand,
    },
}

#[derive(Subcommand)]
enum AdminCommand {
    /// Make an admin of ADMIN_EMAIL and ADMIN_PASSWORD; an account that exists becomes one.
    Create,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let command = arguments.command.unwrap_or(Command::Serve {
        no_worker: false,
        sandbox: false,
    });
    match run(command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tollgate: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<(), StartError> {
    if let Command::Openapi = command {
        return print(&app::contract_text());
    }
    let config = Config::from_environment()?;
    log_to_stderr(config.environment);
    match command {
        Command::Serve { no_worker, sandbox } => serve(config, !no_worker, sandbox).await,
        Command::Worker => work(config).await,
        Command::Migrate => App::migrate(&config).await,
        Command::Demo => demo(config).await,
        Command::Sandbox => serve_sandbox(&config).await,
        Command::Admin {
            command: AdminCommand::Create,
        } => create_admin(config).await,
        Command::Openapi => Ok(()),
    }
}

/// Whoever reads it may stop early, as `head` does.
fn print(text: &str) -> Result<(), StartError> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        outcome => Ok(outcome?),
    }
}

async fn serve(
    mut config: Config,
    with_worker: bool,
    with_sandbox: bool,
) -> Result<(), StartError> {
    let mut stop = StopSignal::new()?;
    let clock = Clock::default();
    let sandbox = with_sandbox.then(|| start_sandbox(&config, clock.clone()));
    let sandbox = sandbox.transpose()?;
    let simulated = sandbox.as_ref().filter(|_| config.stripe.is_none());
    if let Some(sandbox) = simulated {
        config.stripe = Some(StripeSettings::of_sandbox(&sandbox.stripe_base()));
    }
    let app = App::open(config, clock).await?;
    let greeting = app.greet().await?;
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let base = app.config.public_base_url.clone();
    let server =
        app::serve(app.clone(), threads, with_worker).inspect_err(|_| print_greeting(&greeting))?;
    if let (Some(sandbox), Some(stripe)) = (simulated, &app.config.stripe) {
        let url = format!("http://{}/api/v1/webhooks/stripe", app.own_address());
        for secret in &stripe.webhook_secrets {
            sandbox.register_webhook(&url, secret);
        }
    }
    println!("Tollgate serves on http://{}", server.address());
    println!("  API         {base}/api/v1");
    println!("  Swagger UI  {base}/api/docs/");
    print_greeting(&greeting);
    stop.received().await;
    println!("Stopping: finishing what runs.");
    let stopped = server.stop().await;
    if let Some(sandbox) = sandbox {
        sandbox.stop().await;
    }
    stopped
}

/// Also where a command fails: the next start will not know the password any more.
fn print_greeting(greeting: &Greeting) {
    print!("{}", admin_line(greeting));
}

/// Who the admin is and where the password, if there is anything to say.
fn admin_line(greeting: &Greeting) -> String {
    let (email, password) = match greeting {
        Greeting::Nothing => return String::new(),
        Greeting::Configured { email } => (email, "with ADMIN_PASSWORD".to_owned()),
        Greeting::Shown { email, password } => (
            email,
            format!("password {password}  (shown only this once)"),
        ),
        Greeting::Kept { email, file } => (email, format!("password in {}", file.display())),
    };
    format!("  Admin       {email}, {password}\n")
}

async fn serve_sandbox(config: &Config) -> Result<(), StartError> {
    let mut stop = StopSignal::new()?;
    let sandbox = start_sandbox(config, Clock::default())?;
    stop.received().await;
    sandbox.stop().await;
    Ok(())
}

fn start_sandbox(config: &Config, clock: Clock) -> Result<sandbox::Running, StartError> {
    if config.environment == Environment::Production {
        let reason = "production has no sandbox";
        return Err(ConfigError::new("APP_ENV", reason).into());
    }
    let sandbox = sandbox::start(sandbox::Settings {
        listen: config.sandbox_listen,
        token: config.sandbox_token.clone(),
        clock,
    })?;
    println!("The sandbox serves on http://{}", sandbox.address());
    println!("  Stripe      {}", sandbox.stripe_base());
    Ok(sandbox)
}

async fn work(config: Config) -> Result<(), StartError> {
    let mut signal = StopSignal::new()?;
    let app = App::open(config, Clock::default()).await?;
    let stop = CancellationToken::new();
    let worker = tollgate::start_worker(app, stop.clone());
    println!("Tollgate works in the background.");
    signal.received().await;
    stop.cancel();
    worker.await.map_err(std::io::Error::other)?;
    Ok(())
}

async fn demo(config: Config) -> Result<(), StartError> {
    let app = App::open_for_demo(config, Clock::default()).await?;
    let greeting = app.greet().await?;
    let demo = app
        .make_demo()
        .await
        .inspect_err(|_| print_greeting(&greeting))?;
    let what = if demo.is_new {
        "was made and is on sale"
    } else {
        "is there already"
    };
    print(&format!(
        "{} {what}.\n{}  Event       {}\n  Slug        {}\n\
         This buys two tickets while Tollgate serves:\n{}",
        demo.name,
        admin_line(&greeting),
        demo.event_id,
        demo.slug,
        demo.purchase
    ))
}

async fn create_admin(config: Config) -> Result<(), StartError> {
    let app = App::open(config, Clock::default()).await?;
    let (email, created) = app.create_configured_admin().await?;
    let what = if created {
        "was made"
    } else {
        "is an admin now"
    };
    println!("{email} {what}.");
    Ok(())
}

/// SIGTERM, or Ctrl-C.
struct StopSignal {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl StopSignal {
    fn new() -> Result<Self, StartError> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn received(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Lines for people in development, JSON elsewhere; `RUST_LOG` chooses how much.
fn log_to_stderr(environment: Environment) {
    let default = match environment {
        Environment::Development => "warn,tollgate=info",
        _ => "info",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match environment {
        Environment::Development => log.compact().init(),
        _ => log.json().init(),
    }
}
