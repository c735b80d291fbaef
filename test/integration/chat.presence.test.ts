import { MemoryPresence } from "../../services/chat/presence/memory";
import type { Presence } from "../../services/chat/presence/presence";
import { Tracker } from "../../services/chat/presence/tracker";
import { presenceContract } from "./chat.presence.contract";
import { type AgentState, DeskLab } from "./desk.parts";
import { eventually } from "./node";

describe("in memory", () => {
  presenceContract(async (leaseMs) => [new MemoryPresence(leaseMs)]);
});

describe("of the chat", () => {
  let desk: DeskLab;
  afterEach(() => desk.stop());
  const told = (userId: string) =>
    desk.delivered.flatMap(({ event, payload, to, volatile }) =>
      event === "chat.presence" && "userId" in payload && payload.userId === userId ? [{ payload, to, volatile }] : [],
    );

  test("tells agents who comes and who goes, once for all connections of one", async () => {
    desk = await DeskLab.start();
    const customer = await desk.person("customer");
    await desk.connect(customer, "one");
    await desk.connect(customer, "two");
    await desk.disconnect(customer, "one");
    await desk.disconnect(customer, "two");
    await desk.disconnect(customer, "two");
    const news = (online: boolean) => ({
      payload: { userId: customer.id, online },
      to: { role: "agent" },
      volatile: true,
    });
    expect(told(customer.id)).toEqual([news(true), news(false)]);
  });

  test("counts as gone whose gateway died, and keeps whom another one renews", async () => {
    desk = await DeskLab.start({ CHAT_CONNECTION_MS: "500" });
    const [dead, alive] = [await desk.agent(), await desk.agent()];
    const connections = [{ connectionId: `c-${alive.id}`, userId: alive.id }];
    await eventually(async () => {
      await desk.node.call("chat.renew", { connections });
      return (await desk.agents(alive)).get(dead.id)?.online === false;
    });
    expect((await desk.agents(alive)).get(alive.id)).toMatchObject({ online: true });
    expect(told(dead.id).map(({ payload }) => payload)).toEqual([
      { userId: dead.id, online: true },
      { userId: dead.id, online: false },
    ]);
    expect(told(alive.id)).toHaveLength(1);
  });

  test("makes an agent of who connects as one, and tells them how they are", async () => {
    desk = await DeskLab.start({ CHAT_CAPACITY: "7" });
    const agent = await desk.person("agent", "Agent Lee");
    const mine = () => desk.node.as<AgentState>(agent.meta, "chat.agentStatus");
    expect(await mine()).toEqual({
      id: agent.id,
      name: "Agent Lee",
      status: "offline",
      online: false,
      capacity: 7,
      load: 0,
    });
    await desk.connect(agent);
    await desk.connect(await desk.person("customer"));
    expect([...(await desk.agents(agent)).values()]).toEqual([{ ...(await mine()), online: true }]);
  });
});

describe("that is away", () => {
  const kim = { userId: "kim", connectionId: "c" };
  const logger = { warn: jest.fn(), info: jest.fn() };
  const make = (leaseMs: number) => {
    const presence = new MemoryPresence(leaseMs);
    let away = false;
    const failing = new Proxy<Presence>(presence, {
      get: (target, name: keyof Presence) =>
        away ? () => Promise.reject(new Error("away")) : target[name].bind(target),
    });
    const told: [string, boolean][] = [];
    const tracker = new Tracker({
      presence: failing,
      leaseMs,
      logger: logger as never,
      changed: async (userId, online) => told.push([userId, online]),
    });
    return {
      tracker,
      told,
      set away(value: boolean) {
        away = value;
      },
    };
  };

  test("throws at nobody: who comes is online, who was stays so until it is known again", async () => {
    const lab = make(60_000);
    const { tracker, told } = lab;
    await tracker.connect(kim);
    lab.away = true;
    await tracker.disconnect(kim);
    await tracker.connect({ userId: "lee", connectionId: "d" });
    await tracker.renew([kim]);
    await tracker.reap();
    expect(await tracker.online(["kim"])).toBeUndefined();
    expect(told).toEqual([
      ["kim", true],
      ["lee", true],
    ]);
    lab.away = false;
    await tracker.renew([{ userId: "lee", connectionId: "d" }]);
    // Gateways have had no time to renew the others yet.
    expect(await tracker.online(["kim"])).toBeUndefined();
    expect(logger.warn).toHaveBeenCalledTimes(1);
    expect(logger.info).toHaveBeenCalledTimes(1);
  });

  test("is believed again once gateways had the time to renew", async () => {
    const lab = make(100);
    lab.away = true;
    await lab.tracker.connect(kim);
    lab.away = false;
    expect(await eventually(() => lab.tracker.online(["kim"]))).toEqual(new Set());
  });
});
