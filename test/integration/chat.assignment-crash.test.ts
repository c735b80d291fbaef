import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DeskLab, type Person } from "./desk.parts";
import { eventually } from "./node";
import { killedAt } from "./victims";

let dataDir: string;
let desk: DeskLab | undefined;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "shop-desk-"));
});
afterEach(async () => {
  await desk?.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const victim = (point: string) =>
  killedAt<Record<"agent" | "customer", Person>>("chat.desk.victim", point, { DATA_DIR: dataDir });

test.each([
  ["chat.place-taken", "assigned", 1],
  ["chat.assigned", "assigned", 1],
  ["chat.closed", "closed", 0],
])(
  "a node killed at %s leaves no place taken for nothing",
  async (point, status, load) => {
    const { agent, customer } = await victim(point);
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

test("what a dead node was about to give somebody who helps no more is not theirs", async () => {
  const { agent, customer } = await victim("chat.place-taken");
  desk = await DeskLab.start({ DATA_DIR: dataDir, LEASE_MS: "60000" });
  await desk.node.call("chat.retire", { userId: agent.id });
  expect(await desk.status(agent, { status: "away" })).toMatchObject({ load: 0 });
  expect(await desk.open(customer)).toMatchObject({ status: "queued", agent: null });
}, 60_000);
