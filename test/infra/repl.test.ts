import { nodeOf } from "../../lib/node";
import { deadLetter } from "../../lib/topics/dead-letters";
import { deadLettersOf, type Topics } from "../../lib/topics/topics";
import { type Console, openConsole } from "../e2e/console";
import { eventually, startNode, type TestNode } from "../integration/node";
import { withServers } from "./servers";

withServers(["nats", "kafka"], "the console of a cluster", (env) => {
  let node: TestNode;
  let topics: Topics;
  let opened: Console;
  beforeAll(async () => {
    node = await startNode([() => ({ name: "somewhere" })], env);
    topics = nodeOf(node.broker).topics;
    opened = openConsole("repl", [], { ...env, NODE_ENV: "test", HOME: node.dataDir });
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
