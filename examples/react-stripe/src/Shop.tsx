// What is on sale, how many, who buys, and the two ways to pay.
import { type FormEvent, useState } from "react";
import { api, ask } from "./api";
import { money } from "./money";
import { Loading, Trouble, useAct, useLoaded } from "./parts";
import { buyHere, buyOnStripesPage } from "./pay";

async function load(slug: string) {
  const params = { path: { id: slug } };
  const [event, { data }] = await Promise.all([
    ask(api.GET("/api/v1/events/{id}", { params })),
    ask(api.GET("/api/v1/events/{id}/availability", { params })),
  ]);
  // Booths are sold the same way, but ask for a company; this shop leaves them out.
  const types = data.flatMap((it) => (it.ticket_type_id ? [{ ...it, id: it.ticket_type_id }] : []));
  return { event, types };
}

export function Shop({ slug }: { slug: string }) {
  const { value, error } = useLoaded(() => load(slug));
  const [quantities, setQuantities] = useState<Record<string, number>>({});
  const { busy, error: refused, act } = useAct();
  if (!value) return <Loading error={error} />;
  const { event, types } = value;
  const lines = types.map((it) => ({ ...it, quantity: quantities[it.id] || 0 }));
  const chosen = lines.filter((line) => line.quantity > 0);
  const total = chosen.reduce((sum, line) => sum + line.price_minor * line.quantity, 0);

  const submit = (form: FormEvent<HTMLFormElement>) => {
    form.preventDefault();
    const pressed = (form.nativeEvent as SubmitEvent).submitter;
    const fields = new FormData(form.currentTarget);
    const purchase = {
      event_id: event.id,
      items: chosen.map((line) => ({ ticket_type_id: line.id, quantity: line.quantity })),
      buyer: { name: String(fields.get("name")), email: String(fields.get("email")) },
      // The price that was shown: if it has changed since, the API refuses instead of charging.
      currency: event.currency,
      expected_total_minor: total,
    };
    act(() => (pressed?.id === "here" ? buyHere(purchase) : buyOnStripesPage(purchase)));
  };

  const dates = { dateStyle: "full", timeStyle: "short", timeZone: event.time_zone } as const;
  const place = [event.venue?.name, event.venue?.city].filter(Boolean).join(", ");
  return (
    <form onSubmit={submit}>
      <h1>{event.name}</h1>
      <p className="quiet">
        {new Date(event.starts_at).toLocaleString(undefined, dates)} <br /> {place}
      </p>
      <fieldset>
        <legend>Tickets</legend>
        {lines.map((line) => (
          <div className="row" key={line.id}>
            <label htmlFor={line.id}>
              {line.name} <span className="quiet">{money(line.price_minor, line.currency)}</span>
            </label>
            {line.status === "available" || line.status === "low" ? (
              <input
                id={line.id}
                type="number"
                placeholder="0"
                min={0}
                max={Math.min(line.available, event.max_per_order)}
                value={line.quantity || ""}
                onChange={({ target }) => setQuantities({ ...quantities, [line.id]: target.valueAsNumber })}
              />
            ) : (
              <span>{line.status.replace("_", " ")}</span>
            )}
          </div>
        ))}
        <p className="row total">
          Total <output>{money(total, event.currency)}</output>
        </p>
      </fieldset>
      <fieldset>
        <legend>You</legend>
        <label htmlFor="name">Name</label>
        <input id="name" name="name" autoComplete="name" maxLength={200} required />
        <label htmlFor="email">E-mail</label>
        <input id="email" name="email" type="email" autoComplete="email" maxLength={254} required />
      </fieldset>
      <Trouble error={refused} />
      <div className="buttons">
        <button className="main" disabled={busy || !chosen.length}>Pay on Stripe’s page</button>
        <button id="here" disabled={busy || !chosen.length}>Pay here</button>
      </div>
    </form>
  );
}
