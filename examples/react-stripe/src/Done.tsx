// Where buyers come back to: waits until the API says "paid", then shows the tickets.
import { api, ask, bearer, type Schemas } from "./api";
import { money } from "./money";
import { Loading, Trouble, useAct, useLoaded } from "./parts";
import { giveBack, retryOnStripesPage } from "./pay";

export type Place = { session: string | null; order: string | null };

/** Asks for the checkout session, or for the order where there is none. */
async function load({ session, order }: Place) {
  const id = session ?? order ?? "";
  const options = { params: { path: { id } }, headers: bearer(id) };
  if (session) {
    const it = await ask(api.GET("/api/v1/checkout-sessions/{id}", options));
    return { ...it, orderId: it.order_id };
  }
  const it = await ask(api.GET("/api/v1/orders/{id}", options));
  return { ...it, orderId: it.id, status: progressOf(it) };
}

function progressOf(order: Schemas["Order"]): Schemas["SessionStatus"] {
  if (order.status === "confirmed") return "complete";
  if (order.status !== "pending") return "expired";
  return order.payment_status === "processing" ? "processing" : "open";
}

export function Done({ place, unpaid }: { place: Place; unpaid: boolean }) {
  const { value, error } = useLoaded(
    () => load(place),
    ({ status }) => (status === "open" || status === "processing" ? 1500 : 0),
  );
  if (!value) return <Loading error={error} />;
  const price = money(value.total_minor, value.currency);
  const time = new Date(value.expires_at).toLocaleTimeString(undefined, { timeStyle: "short" });
  switch (value.status) {
    case "complete":
      return (
        <>
          <h1>Your tickets</h1>
          <p className="quiet">{price}, paid. They are in your mail too.</p>
          <ul className="tickets">
            {value.tickets.map((it) => <Ticket key={it.id} ticket={it} orderId={value.orderId} />)}
          </ul>
        </>
      );
    case "expired":
      return (
        <>
          <h1>This order is over</h1>
          <p>Its tickets are on sale again. <a href="/">Back to the shop</a></p>
        </>
      );
    case "open":
      if (unpaid) {
        return (
          <>
            <h1>Not paid yet</h1>
            <p>Your tickets for {price} are kept for you until {time}.</p>
            <Trouble error={error} />
            <WaysOn orderId={value.orderId} />
          </>
        );
      }
  }
  return (
    <>
      <h1>Thank you</h1>
      <p role="status">Waiting for the payment… You may close this page: a mail will come.</p>
      <Trouble error={error} />
      <p><a href={`/unpaid?order=${value.orderId}`}>I have not paid</a></p>
    </>
  );
}

function WaysOn({ orderId }: { orderId: string }) {
  const { busy, error, act } = useAct();
  return (
    <>
      <Trouble error={error} />
      <div className="buttons">
        <button className="main" disabled={busy} onClick={() => act(() => retryOnStripesPage(orderId))}>
          Pay on Stripe’s page
        </button>
        <button disabled={busy} onClick={() => location.assign(`/pay?order=${orderId}`)}>Pay here</button>
        <button disabled={busy} onClick={() => act(() => giveBack(orderId))}>Give the tickets back</button>
      </div>
    </>
  );
}

function Ticket({ ticket, orderId }: { ticket: Schemas["OrderTicket"]; orderId: string }) {
  const options = { params: { path: { id: ticket.id } }, headers: bearer(orderId) };
  const { value, error } = useLoaded(
    () => ask(api.GET("/api/v1/tickets/{id}/qr", options)),
    // An <img> sends no token, so its address is signed, for ten minutes.
    () => 9 * 60_000,
  );
  const picture = value?.qr_png_url && `${value.qr_png_url}&size=400`;
  return (
    <li>
      {picture && <img src={picture} alt={`QR code of ticket ${ticket.serial}`} />}
      <Trouble error={error} />
      <strong>{ticket.ticket_type_name}</strong>
      <code>{ticket.serial}</code>
    </li>
  );
}
