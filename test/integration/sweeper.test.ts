import type { ServiceBroker, ServiceSchema } from "moleculer";
import { nodeOf } from "../../lib/node";
import type { OpenableCollection } from "../../lib/store/collection";
import { after } from "../../lib/time";
import { collectionsMixin } from "../../mixins/collections.mixin";
import { type Due, sweeperMixin } from "../../mixins/sweeper.mixin";
import { eventually, startNode, type TestNode } from "./node";

let node: TestNode;
let things: OpenableCollection<Due>;
afterEach(() => node.stop());

/** A node that looks for due things every so often, and can do none of them. */
async function start(everyMs: number): Promise<void> {
  const service = (broker: ServiceBroker): ServiceSchema => {
    things = nodeOf(broker).store.collection<Due>("test", {
      name: "things",
      indexes: [{ fields: ["due"], sparse: true }],
    });
    const handle = () => Promise.reject(new Error("cannot"));
    return {
      name: "test",
      mixins: [sweeperMixin({ collection: things, handle, leaseMs: 200, everyMs }), collectionsMixin(things)],
    };
  };
  node = await startNode([service]);
}

const figure = async (series: string) => {
  const text = await nodeOf(node.broker).metrics.registry.metrics();
  return Number(new RegExp(`^${series}\\{collection="test_things"\\} (\\d+)$`, "m").exec(text)?.[1]);
};

it("tells how much nobody took up although it was due long ago", async () => {
  await start(60_000);
  await things.insert({ _id: "recent", due: after(-30_000) });
  await things.insert({ _id: "old", due: after(-61_000) });
  await things.insert({ _id: "done" });
  expect(await figure("shop_work_overdue")).toBe(1);
});

it("tries again what failed, and counts the failures", async () => {
  await start(50);
  await things.insert({ _id: "a", due: after(-1) });
  await eventually(async () => (await figure("shop_work_failed_total")) >= 2);
  expect((await things.get("a"))?.due).toBeDefined();
});
