// Starting a payment: on Stripe's page, or here with Stripe.js.
import { api, bearer, rememberToken, type Schemas, send } from "./api";

/** The API sends buyers to the first when they paid, or may have; else to the second. */
const returns = { success_url: `${location.origin}/done`, cancel_url: `${location.origin}/unpaid` };

function follow(action: Schemas["NextAction"], otherwise: string): void {
  location.assign(action.type === "redirect" ? action.url : otherwise);
}

/** Order and payment in one call, then away to Stripe's page. */
export async function buyOnStripesPage(purchase: Schemas["NewOrder"]): Promise<void> {
  const body = { ...purchase, payment: { provider: "stripe", ...returns } };
  const session = await send(["checkout-sessions", body], (header) =>
    api.POST("/api/v1/checkout-sessions", { params: { header }, body }),
  );
  rememberToken(session.id, session.order_token);
  rememberToken(session.order_id, session.order_token);
  follow(session.next_action, `/done?session=${session.id}`);
}

/** The order alone; its payment starts on the page with the card's form. */
export async function buyHere(body: Schemas["NewOrder"]): Promise<void> {
  const order = await send(["orders", body], (header) =>
    api.POST("/api/v1/orders", { params: { header }, body }),
  );
  rememberToken(order.id, order.order_token);
  const isFree = order.status === "confirmed";
  location.assign(`${isFree ? "/done" : "/pay"}?order=${order.id}`);
}

/**
 * A (further) attempt to pay an order. With a place to return to, the API answers with Stripe's
 * page to go to; without one, with what Stripe.js needs to ask for the card here.
 */
export function startPayment(orderId: string, here: boolean): Promise<Schemas["PaymentIntent"]> {
  const body = { order_id: orderId, provider: "stripe", ...(here ? {} : returns) };
  return send(["payment-intents", body], (header) =>
    api.POST("/api/v1/payment-intents", { params: { header }, headers: bearer(orderId), body }),
  );
}

export async function retryOnStripesPage(orderId: string): Promise<void> {
  const payment = await startPayment(orderId, false);
  follow(payment.next_action, `/done?order=${orderId}`);
}

/** Gives the tickets back at once, instead of when the order expires. */
export async function giveBack(orderId: string): Promise<void> {
  const path = { id: orderId };
  await send(["cancel", orderId], (header) =>
    api.POST("/api/v1/orders/{id}/cancel", { params: { header, path }, headers: bearer(orderId) }),
  );
}
