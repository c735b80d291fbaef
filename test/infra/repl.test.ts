import { nodeOf } from "../../lib/node";
import { deadLetter } from "../../lib/topics/dead-letters";
import { deadLettersOf, type Topics } from "../../lib/topics/topics";
import productService from "../../services/product/product.service";
import { type Console, openConsole } from "../e2e/console";
import { eventually, startNode, type TestNode } from "../integration/node";
import { withServers } from "./servers";

withServers(["nats", "kafka", "mongo"], "the console of a cluster", (env) => {
  let node: TestNode;
  let topics: Topics;
  let opened: Console;
  beforeAll(async () => {
    node = await startNode([() => ({ name: "somewhere" })], env);
    topics = nodeOf(node.broker).topics;
    opened = openConsole("repl", [], { ...env, NODE_ENV: "production", HOME: node.dataDir });
    await opened.prompted();
  }, 60_000);
  afterAll(async () => {
    opened.kill();
    await node.stop();
  });

  it("is a node that hosts nothing and sees the others", async () => {
    expect(await opened.type("nodes")).toMatch(/repl-.*\(\*\)/);
    await eventually(async () => /somewhere .*OK/.test(await opened.type("services")));
  });

  it("shows the nodes, what they lack and what nobody hosts", async () => {
    const seen = await eventually(async () => {
      const overview = await opened.type("overview");
      return overview.includes("somewhere") && overview;
    });
    expect(seen).toMatch(new RegExp(`\\n${node.broker.nodeID} +running `));
    expect(seen).toMatch(/\nrepl-\S+ +running /);
    expect(seen).toMatch(/\nMissing\n(.*\n)*order: no node that takes work hosts it\n/);
    expect(seen).toMatch(/stuck orders +No node that takes work hosts order/);
  });

  describe("and a node with the catalogue", () => {
    let remote: TestNode;
    beforeAll(async () => {
      remote = await startNode([productService], env);
    });
    afterAll(() => remote.stop());

    it("asks the context that is on another node, and says where there is none", async () => {
      const variants = [{ sku: "REMOTE-1", name: "One", price: { amount: 1000, currency: "KRW" } }];
      const admin = { user: { id: "admin", roles: ["admin" as const], sid: "s" } };
      await remote.as(admin, "product.create", { name: "Remote", category: "books", images: [], variants });
      await eventually(async () => (await opened.type("stock REMOTE-1")).startsWith("sku "));
      expect(await opened.type('stock correct REMOTE-1 +7 --reason "found" --yes')).toMatch(/^REMOTE-1: 7 available/);
      expect(await opened.type("stock REMOTE-1")).toMatch(/adjusted +\+7 +\S+@\S+ +found\n/);
      expect(await opened.type("order nothing")).toMatch(/^No node that takes work hosts order: overview shows/);
    });

    it("takes a node out of service and back", async () => {
      const second = await startNode([productService], env);
      await eventually(async () => (await opened.type("overview")).includes(second.broker.nodeID));
      expect(await opened.type(`drain ${remote.broker.nodeID}`, "n")).not.toContain("No other node takes work");
      await second.stop();
      const last = await opened.type(`drain ${remote.broker.nodeID}`, "y");
      expect(last).toContain(`No other node takes work for product.\nDrain node ${remote.broker.nodeID}? (y/N)`);
      expect(last).toContain("is draining.");
      await eventually(async () => /^No node that takes work hosts product/.test(await opened.type("stock REMOTE-1")));
      expect(await opened.type(`undrain ${remote.broker.nodeID}`)).toContain("is running.");
      await eventually(async () => /available +7\n/.test(await opened.type("stock REMOTE-1")));
    });
  });

  it("sends dead letters again to where they come from, those that were not chosen stay", async () => {
    const letters = ["a", "b", "c"].map((key, offset) =>
      deadLetter(
        {
          topic: "order-event",
          partition: 2,
          offset,
          key,
          value: `${key} 가나다`,
          headers: { traceparent: `00-${key}` },
        },
        { group: "notification", attempts: 9, error: new Error(`no place for ${key}`) },
      ),
    );
    await topics.publish(deadLettersOf("order-event"), letters);
    expect(await opened.type("dead-letters")).toContain("3 dead letters of order-event and chat-message.");
    expect(await opened.type("dead-letters resend 2")).toBe("1 dead letter sent to order-event again.\n");
    expect(await topics.peek("order-event", "look", 10)).toMatchObject([
      { key: "b", value: "b 가나다", headers: { traceparent: "00-b" } },
    ]);
    expect(await opened.type("dead-letters drop 1 --yes")).toBe("1 dead letter dropped.\n");
    const left = await opened.type("dead-letters --full");
    expect(left).toContain("1 dead letter of order-event and chat-message.");
    expect(left).toMatch(/x-error +Error: no place for c\n +key +c\n/);
  }, 60_000);

  it("ends with 0 and leaves the cluster", async () => {
    opened.say("quit");
    expect(await opened.ended).toBe(0);
    const available = () =>
      node.broker.registry.nodes.list({ onlyAvailable: true }).map(({ id }: { id: string }) => id);
    await eventually(() => available().every((id: string) => !id.startsWith("repl-")));
  });
});
