// Buys tickets in a real browser, from a real Tollgate with its sandbox of Stripe.
//   TOLLGATE   the program (../../target/debug/tollgate)
//   CHROMIUM   the browser (/usr/bin/chromium)
//   SHOTS      a folder for pictures of what was seen; none are kept without it
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { chromium } from "playwright-core";
import { build, preview } from "vite";

const root = resolve(import.meta.dirname, "..");
const tollgate = resolve(root, process.env.TOLLGATE ?? "../../target/debug/tollgate");
const folder = mkdtempSync(join(tmpdir(), "tollgate-shop-"));

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

async function startTollgate() {
  const port = await freePort();
  const sandbox = `127.0.0.1:${await freePort()}`;
  const env = {
    ...process.env,
    DATABASE_URL: `sqlite:${join(folder, "tollgate.db")}`,
    LISTEN: `127.0.0.1:${port}`,
    SANDBOX_LISTEN: sandbox,
    MAILER: "file",
    MAIL_DIR: join(folder, "mails"),
  };
  // In the folder, so that no .env of somebody's is read.
  const options = { env, cwd: folder, encoding: "utf8" };
  const demo = spawnSync(tollgate, ["demo"], options);
  assert.equal(demo.status, 0, `${tollgate} demo: ${demo.error ?? demo.stderr}`);
  const server = spawn(tollgate, ["serve", "--sandbox"], { ...options, stdio: "ignore" });
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; ; tries++) {
    assert(tries < 100 && server.exitCode === null, "Tollgate did not start");
    if (await fetch(`${url}/readyz`).then((it) => it.ok, () => false)) return { server, url, sandbox: `http://${sandbox}` };
    await new Promise((done) => setTimeout(done, 100));
  }
}

async function startShop(apiUrl) {
  process.env.VITE_API_URL = apiUrl;
  const common = { root, logLevel: "warn", build: { outDir: join(folder, "dist"), emptyOutDir: true } };
  await build(common);
  const shop = await preview({ ...common, preview: { host: "localhost", port: await freePort() } });
  return { shop, origin: shop.resolvedUrls.local[0].replace(/\/$/, "") };
}

const args = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"];
args.push("--disable-background-networking", "--disable-component-update", "--disable-sync");

let server, shop, browser;
try {
  const tollgate = await startTollgate();
  server = tollgate.server;
  const started = await startShop(tollgate.url);
  shop = started.shop;
  browser = await chromium.launchPersistentContext(join(folder, "profile"), {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args,
    locale: "en-GB",
  });
  await run(started.origin, tollgate.url, tollgate.sandbox);
  console.log("All was as it should be.");
} finally {
  await browser?.close();
  await shop?.close();
  if (server && server.exitCode === null) {
    server.kill();
    await once(server, "exit");
  }
  rmSync(folder, { recursive: true, force: true });
}

async function run(origin, apiUrl, sandbox) {
  const page = await browser.newPage();
  page.setDefaultTimeout(15_000);
  const complaints = [];
  let expected = [];
  page.on("pageerror", (error) => complaints.push(error.stack));
  page.on("console", (message) => {
    const isExpected = expected.some((part) => message.text().includes(part));
    if (message.type() === "error" && !isExpected) complaints.push(message.text());
  });
  const posts = [];
  page.on("request", (request) => {
    if (request.url().startsWith(apiUrl) && request.method() === "POST") posts.push(request);
  });
  const button = (name) => page.getByRole("button", { name, exact: true });
  const heading = (name) => page.getByRole("heading", { name }).waitFor();
  let shots = 0;
  const look = async (name) => {
    console.log(name);
    if (!process.env.SHOTS) return;
    const path = join(process.env.SHOTS, `${++shots}-${name.replaceAll(/\W+/g, "-")}.png`);
    await page.screenshot({ path, fullPage: true });
  };
  const choose = async (email) => {
    await page.goto(origin);
    await page.getByLabel("VIP").fill("2");
    await page.getByLabel("Name").fill("Asha Mwinyi");
    await page.getByLabel("E-mail").fill(email);
    assert.match(await page.locator(".total output").innerText(), /^TZS\s500,000\.00$/);
  };
  const seeTwoTickets = async () => {
    await heading("Your tickets");
    const codes = page.getByRole("img", { name: /^QR code of ticket TKT-/ });
    await codes.nth(1).waitFor();
    await page.waitForFunction(() => [...document.images].every((it) => it.complete));
    const widths = await codes.evaluateAll((all) => all.map((it) => it.naturalWidth));
    assert.deepEqual(widths, [400, 400]);
  };

  await choose("asha@example.com");
  await look("the shop");
  await button("Pay on Stripe’s page").click();
  await button("Pay").waitFor();
  await look("the sandbox asks for money");
  await button("Pay").click();
  await seeTwoTickets();
  assert.match(page.url(), new RegExp(`^${origin}/done\\?session=chs_\\w+$`));
  await look("two tickets");
  await page.reload();
  await seeTwoTickets();

  await choose("juma@example.com");
  await button("Pay on Stripe’s page").click();
  await button("Pay with a card that is declined").click();
  await page.getByText(/declined\./).waitFor();
  await look("a declined card");
  await button("Cancel").click();
  await heading("Not paid yet");
  assert.match(page.url(), new RegExp(`^${origin}/unpaid\\?session=chs_\\w+$`));
  await look("not paid");
  await button("Pay on Stripe’s page").click();
  await button("Pay").click();
  await seeTwoTickets();
  await look("paid at the second attempt");

  await choose("neema@example.com");
  await button("Pay on Stripe’s page").click();
  await button("Cancel").click();
  await button("Give the tickets back").click();
  await heading("This order is over");
  await look("given back");

  // Paying here needs Stripe's own script, and Stripe does not know the sandbox: so up to there.
  let letFail;
  const failing = new Promise((done) => (letFail = done));
  await page.route("https://js.stripe.com/**", (route) => failing.then(() => route.abort()));
  await choose("zuri@example.com");
  const paymentAnswer = page.waitForResponse(
    (it) => it.url().endsWith("/payment-intents") && it.request().method() === "POST",
  );
  await button("Pay here").click();
  const { next_action: action } = await (await paymentAnswer).json();
  assert.equal(action.type, "sdk");
  assert.match(action.publishable_key, /^pk_test_/);
  assert.match(action.client_secret, /^pi_\w+_secret_\w+$/);
  await page.getByText("Waiting for Stripe.js…").waitFor();
  assert(await button("Pay").isDisabled());
  await look("waiting for Stripe.js");
  expected = ["net::ERR_FAILED"];
  letFail();
  await page.getByRole("alert").waitFor();
  await look("without Stripe.js");
  await page.getByRole("link", { name: "Other ways to pay" }).click();
  await heading("Not paid yet");

  // From there on with a stand-in for Stripe.js, which has the sandbox take the money. A page that
  // is opened again goes on with the attempt it has.
  await page.unroute("https://js.stripe.com/**");
  await page.exposeFunction("payInSandbox", async (secret) => {
    const [intent] = secret.split("_secret_");
    const paid = await fetch(`${sandbox}/control/stripe/payments/${intent}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ outcome: "pay" }),
    });
    assert(paid.ok, await paid.text());
  });
  await page.route("https://js.stripe.com/**", (route) =>
    route.fulfill({ contentType: "text/javascript", body: `(${standIn})()` }),
  );
  posts.length = 0;
  await button("Pay here").click();
  await page.getByText("A card's form").waitFor();
  assert.equal(posts.length, 0);
  await look("a stand-in for the card's form");
  await button("Pay").click();
  await seeTwoTickets();
  assert.match(page.url(), new RegExp(`^${origin}/done\\?order=ord_\\w+$`));
  await look("paid here");

  // What the link in the mail opens, in a tab that knows nothing.
  const [order, token] = await page.evaluate(() => Object.entries(sessionStorage)
    .map(([key, value]) => [key.replace("order-token:", ""), value])
    .findLast(([id]) => location.search.endsWith(id)));
  await page.evaluate(() => sessionStorage.clear());
  await page.goto(`${origin}/order#order=${order}&token=${token}`);
  await seeTwoTickets();
  assert.equal(page.url(), `${origin}/done?order=${order}`);
  await page.evaluate(() => sessionStorage.clear());
  await page.reload();
  await page.getByRole("alert").getByText("the link in your mail").waitFor();

  // A refusal, and a shop that cannot be reached: the same key is sent again.
  expected = ["422", "404", "net::ERR_FAILED"];
  await page.goto(`${origin}/?event=nothing`);
  await page.getByRole("alert").getByText("There is nothing here").waitFor();
  await choose("asha@nowhere");
  await button("Pay on Stripe’s page").click();
  await page.getByRole("alert").getByText("must be an e-mail address").waitFor();
  await look("a refusal");
  await page.getByLabel("E-mail").fill("imani@example.com");
  let lost = 0;
  await page.route("**/checkout-sessions", async (route) => {
    // The request arrives, its answer is lost.
    if (route.request().method() !== "POST" || lost++ > 0) return route.continue();
    await route.fetch();
    await route.abort();
  });
  posts.length = 0;
  await button("Pay on Stripe’s page").click();
  await button("Pay").waitFor();
  assert.equal(lost, 2);
  const [first, second] = posts.map((it) => it.headers()["idempotency-key"]);
  assert.equal(first, second);
  assert.match(first, /^[\d-]{16,}$/);
  await look("bought once after a lost answer");
  assert.deepEqual(complaints, []);
}

/** As much of Stripe.js as the page uses; runs in the browser. */
function standIn() {
  window.Stripe = () => ({
    elements: ({ clientSecret }) => ({
      clientSecret,
      update() {},
      create: () => ({
        on: (event, call) => event === "ready" && setTimeout(call, 100),
        off() {},
        update() {},
        destroy() {},
        mount: (place) => place.append("A card's form"),
      }),
    }),
    confirmPayment: async ({ elements }) => {
      await window.payInSandbox(elements.clientSecret);
      return {};
    },
    createToken() {},
    createPaymentMethod() {},
    confirmCardPayment() {},
  });
}
