import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { DeskLab, type Person } from "./desk.parts";
import { eventually } from "./node";

let dataDir: string;
let desk: DeskLab | undefined;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "shop-desk-"));
});
afterEach(async () => {
  await desk?.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

/** Runs a node until it is killed at `point`; answers who was there. */
async function killedAt(point: string): Promise<{ agent: Person; customer: Person }> {
  const child = spawn(process.execPath, ["--require", "tsx/cjs", join(__dirname, "chat.desk.victim.ts")], {
    env: { ...process.env, NODE_ENV: "test", DATA_DIR: dataDir, CRASH_AT: point },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  const output = await text(child.stdout);
  expect(await ended).toEqual([null, "SIGKILL"]);
  return JSON.parse(output);
}

test.each([
  ["chat.place-taken", "assigned", 1],
  ["chat.assigned", "assigned", 1],
  ["chat.closed", "closed", 0],
])(
  "a node killed at %s leaves no place taken for nothing",
  async (point, status, load) => {
    const { agent, customer } = await killedAt(point);
    desk = await DeskLab.start({ DATA_DIR: dataDir });
    const lab = desk;
    await lab.connect(agent);
    const seen = await eventually(async () => {
      const { items } = await lab.node.as<{ items: { id: string; status: string }[] }>(customer.meta, "chat.list");
      const { load: now } = (await lab.agents(agent)).get(agent.id) ?? {};
      return items[0]?.status === status && now === load && items[0];
    });
    if (status === "assigned") await lab.act(customer, "close", seen.id);
    expect(await lab.open(customer)).toMatchObject({ agent: { id: agent.id } });
  },
  60_000,
);
