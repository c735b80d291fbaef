import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { deadLetter } from "../../lib/topics/dead-letters";
import { EventLog } from "../../lib/topics/event-log";
import { eventually } from "../integration/node";
import { type Console, openConsole } from "./console";
import { newPlace, type Place } from "./node";

const SECRET = "of-this-test-and-32-characters-long";

let place: Place;
let opened: Console | undefined;
beforeEach(async () => {
  place = await newPlace();
});
afterEach(() => {
  opened?.kill();
  opened = undefined;
  place.remove();
});

function launch(entry: string, args: string[], env: Record<string, string> = {}): Console {
  const { http, ops, sandbox } = place.ports;
  opened = openConsole(entry, args, {
    ...{
      PORT: `${http}`,
      OPS_PORT: `${ops}`,
      SANDBOX_PORT: `${sandbox}`,
      DATA_DIR: place.dataDir,
      HOME: place.dataDir,
    },
    ...{ NATS_URL: "", MONGO_URL: "", REDIS_URL: "", KAFKA_BROKERS: "", NODE_ENV: "test", LOG_LEVEL: "error" },
    ...env,
  });
  return opened;
}

/** Dead letters of a topic that nobody reads. */
async function bury(...keys: string[]): Promise<void> {
  const directory = join(place.dataDir, "events");
  mkdirSync(directory, { recursive: true });
  const retention = { partitions: 1, replication: 1, retentionMs: 3_600_000 };
  const log = new EventLog({ ...retention, directory, logger: console as never });
  const letters = keys.map((key, offset) =>
    deadLetter(
      { topic: "tried", partition: 0, offset, key, value: "not an event", headers: {} },
      { group: "notification", attempts: 12, error: new Error(`no place for ${key}`) },
    ),
  );
  await log.publish("tried.dlq", letters);
  await log.close();
}

it("is inside an embedded shop that is asked for it, looks after dead letters, and ends the shop as SIGTERM does", async () => {
  await bury("first", "second");
  const shop = launch("start", ["--repl"], { JWT_KEY_SECRET: SECRET });
  await shop.prompted();
  expect(shop.output()).toContain("The shop is ready");
  expect(await shop.type("help")).toMatch(/dead-letters\|dlq .*What could not be handled/);
  expect(await shop.type("help dead-letters")).toMatch(/--topic .*--limit .*--full .*--all /s);
  expect(await shop.type("services")).toMatch(/order .*product /s);
  expect(await shop.type("env")).toMatch(/unknown command 'env'/);
  expect(await shop.type("info")).toMatch(/Node version/);
  expect(shop.output()).not.toContain(SECRET);
  expect(await shop.type("dead-letters")).toBe("There are no dead letters of order-event and chat-message.\n");
  const listed = await shop.type("dlq --topic tried --limit 5");
  expect(listed).toMatch(/ 1 .* notification +12 +0\/0\n +first +Error: no place for first\n +2 .*\n +second /);
  expect(Math.max(...listed.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
  expect(await shop.type("dlq resend 1")).toBe("1 dead letter sent to tried again.\n");
  expect(await shop.type("dlq drop 2 --yes")).toBe("1 dead letter dropped.\n");
  expect(await shop.type("dlq --topic tried")).toBe("There are no dead letters of tried.\n");
  expect(await shop.type("dlq --frob")).toMatch(/unknown option '--frob'.*Usage: /s);
  shop.say("quit");
  // Moleculer's own `quit` would not drain.
  await eventually(async () => {
    const answer = await fetch(`http://127.0.0.1:${place.ports.ops}/health/ready`);
    return answer.status === 503 && (await place.shop.products("?limit=1")).length === 1;
  }, 900);
  expect(await shop.ended).toBe(0);
}, 60_000);

it("ends with 0 at the end of its input", async () => {
  const shop = launch("start", ["--repl"], { DRAIN_MS: "0" });
  await shop.prompted();
  shop.end();
  expect(await shop.ended).toBe(0);
}, 60_000);

it("says of a shop without a cluster where its console is", async () => {
  const alone = launch("repl", []);
  expect(await alone.ended).toBe(1);
  expect(alone.output()).toBe(
    "The console does not start: NATS_URL is not set. A shop without it is one process and has its console inside: npm start -- --repl\n",
  );
});
