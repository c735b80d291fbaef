import { hasTerminal, openTerminal } from "./console";
import { newPlace } from "./node";

const TAB = "\t";
const ENTER = "\r";
const END = "\u0004";

/** Without a terminal there is neither Tab nor colour. */
const inTerminal = hasTerminal() ? it : it.skip;

inTerminal(
  "completes with Tab what a command and its data offer, colours states, and asks before it does harm",
  async () => {
    const place = await newPlace();
    const { http, ops, sandbox } = place.ports;
    const shop = openTerminal("start", ["--repl"], {
      ...{
        PORT: `${http}`,
        OPS_PORT: `${ops}`,
        SANDBOX_PORT: `${sandbox}`,
        DATA_DIR: place.dataDir,
        HOME: place.dataDir,
      },
      ...{ NATS_URL: "", MONGO_URL: "", REDIS_URL: "", KAFKA_BROKERS: "", NODE_ENV: "test", LOG_LEVEL: "error" },
      ...{ NODE_ID: "tabbed", DRAIN_MS: "0" },
    });
    try {
      await shop.press("", "shop $ ");
      await shop.press(`orders st${TAB}`, "uck");
      await shop.press(ENTER, "No order is stuck.");
      await shop.press(`dead-letters --fu${TAB}`, "ll");
      await shop.press(ENTER, "There are no dead letters");
      await shop.press(`config get order.shi${TAB}`, "ppingFee");
      await shop.press(ENTER, "minor units");
      expect(await shop.press(`overview${ENTER}`, "dead letters")).toContain("\u001b[32mrunning");
      await shop.press(`drain tab${TAB}`, "bed");
      await shop.press(ENTER, "Drain node tabbed? (y/N) ");
      await shop.press(`n${ENTER}`, "Nothing was done.");
      // Moleculer's own commands go on completing what theirs are.
      await shop.press(`call chat.que${TAB}`, "ue");
      await shop.press(`\u0003`, "shop $ ");
      await shop.press(END, "");
      expect(await shop.ended).toBe(0);
    } finally {
      shop.kill();
      place.remove();
    }
  },
  60_000,
);
