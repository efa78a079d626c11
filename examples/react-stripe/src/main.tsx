// Which page an address is. Three pages need no router.
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { rememberToken } from "./api";
import { Done } from "./Done";
import { PayHere } from "./PayHere";
import { Shop } from "./Shop";
import "./style.css";

const { pathname, searchParams: query, hash } = new URL(location.href);
const linked = new URLSearchParams(hash.slice(1));
const session = query.get("session");
const order = linked.get("order") ?? query.get("order");

// Mails link to ORDER_URL#order=…&token=… (what follows # is sent to no server), and Stripe adds
// the payment's secret to where it sends buyers back to. Neither stays in the address.
if (order && linked.has("token")) rememberToken(order, linked.get("token"));
if (linked.has("token") || query.has("payment_intent_client_secret")) {
  history.replaceState(null, "", `/done?order=${order}`);
}

// Coming back by the browser's "back" shows the page as it was left, with old numbers.
addEventListener("pageshow", (event) => event.persisted && location.reload());

function Page() {
  const isFailed = query.get("redirect_status") === "failed";
  switch (pathname) {
    case "/":
      return <Shop slug={query.get("event") ?? "swahili-coast-festival"} />;
    case "/pay":
      return <PayHere orderId={order ?? ""} />;
    default:
      return <Done place={{ session, order }} unpaid={isFailed || pathname !== "/done"} />;
  }
}

const root = document.getElementById("root");
if (root) createRoot(root).render(<StrictMode><Page /></StrictMode>);
