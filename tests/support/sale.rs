//! A shop with something to sell, people who buy there, and a gateway that reports.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};

use hmac::{Hmac, KeyInit, Mac};
use reqwest::Url;
use serde_json::{Value, json};
use sha2::Sha256;

use super::{Answer, Client, DUMMY_WEBHOOK_SECRET, TestApp, event_body};

/// Who buys, unless a test says otherwise.
pub const BUYER: &str = "juma@example.com";

pub const VIP: i64 = 15_000_000;
pub const REGULAR: i64 = 5_000_000;
pub const CORNER: i64 = 90_000_000;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A number that no other call was given.
fn number() -> u32 {
    COUNT.fetch_add(1, Ordering::SeqCst)
}

/// An idempotency key that nobody else uses.
pub fn key() -> String {
    format!("sale-key-{:012}", number())
}

/// The buyer who has this order token, and no account.
pub fn as_guest(app: &TestApp, token: &str) -> Client {
    let mut guest = app.nobody();
    guest.access_token = Some(token.to_owned());
    guest
}

/// One line of tickets.
pub fn tickets(ticket_type: &str, quantity: i64) -> Value {
    json!({"ticket_type_id": ticket_type, "quantity": quantity})
}

// The shop ------------------------------------------------------------------

/// A published event with ticket types `vip` (10), `regular` (100), `student` (100) and `free`
/// (100), and the corner booths `A-1`, `A-2` and `A-3`.
pub struct Shop {
    pub admin: Client,
    pub organizer: String,
    pub event: String,
    pub corner: String,
    pub booths: Vec<String>,
    types: HashMap<&'static str, String>,
}

impl Shop {
    pub async fn open(app: &TestApp) -> Self {
        let admin = app.admin().await;
        let body = json!({"name": format!("Pwani Nights {}", number()), "default_currency": "TZS"});
        let made = admin.post("/api/v1/organizers", body).await;
        let organizer = made.expect(201).id();
        let mut body = event_body("Sauti za Busara");
        body["organizer_id"] = json!(organizer);
        let event = admin.post("/api/v1/events", body).await.expect(201).id();
        let mut shop = Self {
            admin,
            organizer,
            event,
            corner: String::new(),
            booths: Vec::new(),
            types: HashMap::new(),
        };
        let publish = format!("{}/publish", shop.path());
        shop.admin.post(&publish, json!({})).await.expect(200);
        for (slug, name, price, capacity) in [
            ("vip", "VIP", VIP, 10),
            ("regular", "Regular", REGULAR, 100),
            ("student", "Student", 2_500_000, 100),
            ("free", "Free", 0, 100),
        ] {
            let body = json!({"name": name, "price_minor": price, "capacity": capacity});
            let id = shop.add_type(body).await;
            shop.types.insert(slug, id);
        }
        let body = json!({"name": "Corner", "price_minor": CORNER});
        let path = format!("{}/booth-types", shop.path());
        shop.corner = shop.admin.post(&path, body).await.expect(201).id();
        let body = json!({"booth_type_id": shop.corner, "numbers": ["A-1", "A-2", "A-3"]});
        let path = format!("{}/booths", shop.path());
        let added = shop.admin.post(&path, body).await;
        let booths = added.expect(201).body["data"].as_array().unwrap().clone();
        for number in ["A-1", "A-2", "A-3"] {
            let booth = booths.iter().find(|booth| booth["number"] == number);
            shop.booths.push(text(&booth.unwrap()["id"]));
        }
        shop
    }

    pub fn path(&self) -> String {
        format!("/api/v1/events/{}", self.event)
    }

    /// Adds a ticket type, and answers its id.
    pub async fn add_type(&self, body: Value) -> String {
        let path = format!("{}/ticket-types", self.path());
        self.admin.post(&path, body).await.expect(201).id()
    }

    pub fn type_id(&self, slug: &str) -> &str {
        self.types.get(slug).unwrap()
    }

    /// Lines of tickets: slug and quantity.
    pub fn items(&self, lines: &[(&str, i64)]) -> Vec<Value> {
        lines
            .iter()
            .map(|(slug, quantity)| tickets(self.type_id(slug), *quantity))
            .collect()
    }

    /// The line of one corner booth: a certain one, or any.
    pub fn booth(&self, index: Option<usize>) -> Value {
        let mut line = json!({
            "booth_type_id": self.corner, "company_name": "Kahawa Ltd",
            "contact_person": "Neema Said", "contact_email": "neema@kahawa.example.com",
            "contact_phone": "+255712000111",
        });
        if let Some(index) = index {
            line["booth_id"] = json!(self.booths[index]);
        }
        line
    }

    /// The body of an order or of a checkout.
    pub fn body(&self, items: Vec<Value>) -> Value {
        json!({
            "event_id": self.event, "items": items,
            "buyer": {"name": "Juma Ali", "email": BUYER, "phone": "+255713000222"},
        })
    }

    pub async fn place(&self, client: &Client, body: Value) -> Answer {
        client.keyed(&key(), "POST", "/api/v1/orders", body).await
    }

    pub async fn order(&self, client: &Client, items: Vec<Value>) -> Answer {
        self.place(client, self.body(items)).await
    }

    /// An order of somebody without an account: the buyer and the order.
    pub async fn guest_order(&self, app: &TestApp, items: Vec<Value>) -> (Client, Value) {
        let placed = self.order(&app.nobody(), items).await;
        let body = placed.expect(201).body.clone();
        (as_guest(app, &text(&body["order_token"])), body)
    }

    pub async fn checkout(&self, client: &Client, key: &str, items: Vec<Value>) -> Answer {
        let body = self.body(items);
        let path = "/api/v1/checkout-sessions";
        client.keyed(key, "POST", path, body).await
    }

    /// A checkout by somebody without an account.
    pub async fn purchase(&self, app: &TestApp, items: Vec<Value>) -> Purchase {
        let started = self.checkout(&app.nobody(), &key(), items).await;
        Purchase::of(app, started.expect(201))
    }

    /// A checkout that is paid, and brought to its end.
    pub async fn buy(&self, app: &TestApp, items: Vec<Value>) -> Purchase {
        let purchase = self.purchase(app, items).await;
        purchase.simulate("succeed").await;
        app.drain().await;
        let order = purchase.order().await;
        assert_eq!(order["status"], "confirmed", "{order}");
        purchase
    }

    /// How much is left of what has this name, as everybody is told.
    pub async fn available(&self, app: &TestApp, name: &str) -> i64 {
        let path = format!("{}/availability", self.path());
        let told = app.nobody().get(&path).await;
        let told = told.expect(200).body["data"].as_array().unwrap().clone();
        let found = told.iter().find(|line| line["name"] == name);
        found.unwrap()["available"].as_i64().unwrap()
    }
}

/// Two VIP tickets of a shop of their own, paid for: the buyer, and what the checkout answered.
pub async fn buy(app: &TestApp) -> (Client, Value) {
    let shop = Shop::open(app).await;
    let purchase = shop.buy(app, shop.items(&[("vip", 2)])).await;
    (purchase.guest, purchase.body)
}

/// A JSON text's text.
pub fn text(value: &Value) -> String {
    let text = value.as_str();
    text.unwrap_or_else(|| panic!("no text: {value}"))
        .to_owned()
}

/// Fails unless so much of what has this name is held, and so much is sold.
pub async fn expect_stock(app: &TestApp, name: &str, held: i64, sold: i64) {
    let query = |more: &str| format!("SELECT count(*) FROM inventory WHERE name = '{name}'{more}");
    let all = app.database.count(&query("")).await;
    let right = query(&format!(" AND held = {held} AND sold = {sold}"));
    let right = app.database.count(&right).await;
    assert_eq!(
        (all, right),
        (1, 1),
        "{name}: not {held} held and {sold} sold"
    );
}

/// How many transfers of so much money stand in the books.
pub async fn count_postings(app: &TestApp, debit: &str, credit: &str, amount: i64) -> i64 {
    let query = format!(
        "SELECT count(*) FROM postings WHERE debit_account = '{debit}' \
         AND credit_account = '{credit}' AND amount_minor = {amount} AND currency = 'TZS'"
    );
    app.database.count(&query).await
}

/// Fails unless our books say of the gateway's money what the gateway says.
pub async fn expect_true_books(app: &TestApp) {
    let violations = app.app.find_violations(true).await.unwrap();
    assert_eq!(violations, Vec::<String>::new());
}

/// How many mails were written with this template.
pub async fn count_mails(app: &TestApp, template: &str) -> i64 {
    let query = format!("SELECT count(*) FROM emails WHERE template = '{template}'");
    app.database.count(&query).await
}

// A purchase ----------------------------------------------------------------

/// A checkout that was started, and its buyer.
pub struct Purchase {
    pub guest: Client,
    pub body: Value,
    pub id: String,
    pub order: String,
    pub payment: String,
}

impl Purchase {
    pub fn of(app: &TestApp, started: &Answer) -> Self {
        let body = started.body.clone();
        Self {
            guest: as_guest(app, &text(&body["order_token"])),
            id: text(&body["id"]),
            order: text(&body["order_id"]),
            payment: text(&body["payment_id"]),
            body,
        }
    }

    pub async fn order(&self) -> Value {
        let path = format!("/api/v1/orders/{}", self.order);
        self.guest.get(&path).await.expect(200).body.clone()
    }

    pub async fn payment(&self) -> Value {
        payment(&self.guest, &self.payment).await
    }

    pub async fn session(&self) -> Value {
        let path = format!("/api/v1/checkout-sessions/{}", self.id);
        self.guest.get(&path).await.expect(200).body.clone()
    }

    pub async fn simulate(&self, outcome: &str) {
        simulate(&self.guest, &self.payment, outcome)
            .await
            .expect(202);
    }

    /// Another attempt to pay.
    pub async fn pay_again(&self, more: Value) -> Answer {
        let mut body = json!({"order_id": self.order});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let path = "/api/v1/payment-intents";
        self.guest.keyed(&key(), "POST", path, body).await
    }

    pub async fn cancel(&self) -> Answer {
        let path = format!("/api/v1/orders/{}/cancel", self.order);
        self.guest.keyed(&key(), "POST", &path, json!({})).await
    }
}

pub async fn payment(client: &Client, id: &str) -> Value {
    let path = format!("/api/v1/payment-intents/{id}");
    client.get(&path).await.expect(200).body.clone()
}

/// Decides about a payment as its buyer does on the dummy gateway's page.
pub async fn simulate(client: &Client, payment: &str, outcome: &str) -> Answer {
    let path = format!("/api/v1/payment-intents/{payment}/simulate");
    client.post(&path, json!({"outcome": outcome})).await
}

// The gateway's side --------------------------------------------------------

/// Loses the messages that the dummy gateway was about to send.
pub async fn lose_messages(app: &TestApp) {
    let statement = "DELETE FROM jobs WHERE kind = 'deliver_dummy_webhook'";
    app.database.execute(statement).await;
}

/// Changes what is true at the gateway, without a word to anybody.
pub async fn set_charge(app: &TestApp, payment: &Value, set: &str) {
    let reference = text(&payment["reference"]);
    let query = format!("SELECT count(*) FROM dummy_charge WHERE reference = '{reference}'");
    let known = app.database.count(&query).await;
    assert_eq!(known, 1, "the gateway does not know {reference}");
    let statement = format!("UPDATE dummy_charge SET {set} WHERE reference = '{reference}'");
    app.database.execute(&statement).await;
}

/// What the gateway says about a payment, with an id of its own.
pub fn message(kind: &str, payment: &Value) -> Value {
    json!({
        "id": format!("devt_test{:08}", number()), "type": kind, "created": 1_790_000_000,
        "data": {
            "payment_id": payment["id"], "reference": payment["reference"],
            "amount_minor": payment["amount_minor"], "currency": payment["currency"],
            "livemode": false,
        },
    })
}

/// The header over a message's text.
pub fn sign(secret: &str, at: i64, text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{at}.{text}").as_bytes());
    let digest = mac.finalize().into_bytes();
    let hex: Vec<String> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={at},v1={}", hex.concat())
}

/// Posts any text as a message, with any signature or none.
pub async fn post_text(app: &TestApp, text: &str, signature: Option<&str>) -> Answer {
    let nobody = app.nobody();
    let request = nobody
        .request("POST", "/api/v1/webhooks/dummy")
        .header("content-type", "application/json")
        .body(text.to_owned());
    let request = match signature {
        Some(signature) => request.header("X-Dummy-Signature", signature),
        None => request,
    };
    nobody.send(request).await
}

/// Posts a message, signed with `secret` at `at` (unix seconds).
pub async fn post_webhook(app: &TestApp, body: &Value, secret: &str, at: i64) -> Answer {
    let text = body.to_string();
    post_text(app, &text, Some(&sign(secret, at, &text))).await
}

/// Posts a message as the gateway does; it must be received.
pub async fn tell(app: &TestApp, body: &Value) {
    let at = app.clock.now().unix_seconds();
    let answer = post_webhook(app, body, DUMMY_WEBHOOK_SECRET, at).await;
    assert_eq!(answer.expect(200).body, json!({"status": "received"}));
}

// The buyer's browser -------------------------------------------------------

/// What a browser was sent. It follows no redirects: a test looks at them.
pub struct Page {
    pub status: u16,
    pub location: Option<String>,
    pub content_type: String,
    pub html: String,
    url: Url,
}

/// Opens an address as a browser does.
pub async fn browse(app: &TestApp, url: &str) -> Page {
    visit(app, "GET", url, None).await
}

async fn visit(app: &TestApp, method: &str, url: &str, form: Option<String>) -> Page {
    // The public address leads to this server.
    let url = url.replacen("http://tollgate.test", &app.base, 1);
    let url = if url.starts_with('/') {
        format!("{}{url}", app.base)
    } else {
        url
    };
    let url = Url::parse(&url).unwrap();
    let browser = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let mut request = browser.request(method.parse().unwrap(), url.clone());
    if let Some(form) = form {
        request = request
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
    }
    let response = request.send().await.unwrap();
    let header = |name: &str| {
        let value = response.headers().get(name)?;
        Some(value.to_str().unwrap().to_owned())
    };
    Page {
        status: response.status().as_u16(),
        location: header("location"),
        content_type: header("content-type").unwrap_or_default(),
        html: response.text().await.unwrap(),
        url,
    }
}

impl Page {
    /// Whether there is a button whose text begins with `word`.
    pub fn has_button(&self, word: &str) -> bool {
        self.form(word).is_some()
    }

    /// Presses the button whose text begins with `word`.
    pub async fn press(&self, app: &TestApp, word: &str) -> Self {
        let form = self.form(word);
        let (action, members) = form.unwrap_or_else(|| panic!("no button «{word}»: {}", self.html));
        let action = self.url.join(&action).unwrap();
        let mut encoded = Url::parse("http://form.test").unwrap();
        encoded.query_pairs_mut().extend_pairs(&members);
        let members = encoded.query().unwrap_or_default().to_owned();
        visit(app, "POST", action.as_str(), Some(members)).await
    }

    /// Where the buyer is sent, or may go, after the gateway's page.
    pub fn way_back(&self) -> String {
        let link = || {
            let links = self.html.split("<a ").skip(1);
            let mut targets = links.filter_map(|tag| attribute(tag, "href"));
            targets.find(|target| target.contains("/api/v1/returns/"))
        };
        let back = self.location.clone().or_else(link);
        back.unwrap_or_else(|| panic!("no way back: {}", self.html))
    }

    /// Where the form with such a button is sent, and with which members.
    fn form(&self, word: &str) -> Option<(String, Vec<(String, String)>)> {
        self.html.split("<form").skip(1).find_map(|form| {
            let (form, _) = form.split_once("</form>")?;
            let button = form.split("<button").skip(1).find(|button| {
                let label = button.split_once('>').map_or("", |(_, rest)| rest);
                let label = label.split_once('<').map_or("", |(label, _)| label);
                label.trim().to_lowercase().starts_with(word)
            })?;
            let (head, _) = form.split_once('>')?;
            let head = format!(" {head}");
            assert_eq!(
                attribute(&head, "method").as_deref(),
                Some("post"),
                "{form}"
            );
            let inputs = form.split("<input").skip(1);
            let members = inputs.chain([button]).filter_map(|tag| {
                let (tag, _) = tag.split_once('>')?;
                Some((attribute(tag, "name")?, attribute(tag, "value")?))
            });
            let action = attribute(&head, "action").unwrap_or_else(|| self.url.to_string());
            Some((action, members.collect()))
        })
    }
}

/// An attribute's value in the text of a tag.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let tag = format!(" {tag}");
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    let value = value
        .replace("&#x2f;", "/")
        .replace("&#x27;", "'")
        .replace("&quot;", "\"");
    Some(value.replace("&lt;", "<").replace("&amp;", "&"))
}
