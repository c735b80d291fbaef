import type { Conversation, Message } from "../../services/chat/chat.contract";
import { DeskLab, type Person } from "../integration/desk.parts";
import { eventually } from "../integration/node";
import { withServers } from "./servers";

withServers(["nats", "mongo", "redis"], "two nodes of the chat", (env) => {
  let nodes: [DeskLab, DeskLab];
  beforeAll(async () => {
    nodes = [await DeskLab.start(env), await DeskLab.start(env)];
    // Each knows of the other once both can be called there.
    await eventually(() => nodes.every(({ node }) => node.broker.registry.getNodeList({}).length >= 2));
  });
  afterAll(async () => {
    for (const node of nodes) await node.stop();
  });

  test("share agents and queue: nobody is over capacity, everybody gets their turn", async () => {
    const [here, there] = nodes;
    const admin = await here.person("admin");
    const agents: Person[] = [];
    for (let i = 0; i < 4; i++) agents.push(await (i % 2 ? here : there).agent({ capacity: 2 }));
    const customers = await Promise.all(Array.from({ length: 30 }, () => here.person("customer")));
    let loads: number[] = [];
    const served = customers.map(async (customer, index) => {
      const node = nodes[index % 2] ?? here;
      const { id } = await node.open(customer);
      const conversation: Conversation = await eventually(async () => {
        const seen = await node.act(customer, "find", id);
        return seen.agent && seen;
      }, 25_000);
      loads = loads.concat([...(await node.agents(admin)).values()].map(({ load }) => load));
      await (nodes[(index + 1) % 2] ?? here).act(customer, "close", id);
      return conversation.agent?.id;
    });
    const holders = await Promise.all(served);
    expect(new Set(holders)).toEqual(new Set(agents.map(({ id }) => id)));
    expect(Math.max(...loads)).toBeLessThanOrEqual(2);
    await eventually(async () => [...(await here.agents(admin)).values()].every(({ load }) => load === 0));
  });

  test("take from who helps no more what they have, and forget who is erased, once", async () => {
    const [here, there] = nodes;
    const [agent, customer] = [await here.agent(), await here.person("customer")];
    const { id } = await here.open(customer);
    await here.say(customer, id, "my secret");
    const holder = await eventually(async () => (await here.act(agent, "find", id)).agent);
    for (let times = 0; times < 2; times++) await there.node.call("chat.retire", { userId: holder.id });
    expect((await here.act(agent, "find", id)).agent?.id).not.toBe(holder.id);

    await there.node.call("chat.erase", { userId: customer.id });
    const { items } = await here.node.as<{ items: Message[] }>(agent.meta, "chat.history", { id });
    expect(items).toMatchObject([{ text: "", sender: { name: "" }, deletedAt: expect.any(String) }]);
    await eventually(() => here.delivered.some(({ event }) => event === "chat.changed"));
    await here.node.call("chat.erase", { userId: customer.id });
    expect((await here.node.as<{ items: Message[] }>(agent.meta, "chat.history", { id })).items).toEqual(items);
  });

  test("know of a connection what either was told", async () => {
    const [here, there] = nodes;
    const agent = await here.agent();
    await there.disconnect(agent);
    expect((await here.agents(agent)).get(agent.id)).toMatchObject({ online: false });
    await there.connect(agent);
    expect((await here.agents(agent)).get(agent.id)).toMatchObject({ online: true });
  });
});
