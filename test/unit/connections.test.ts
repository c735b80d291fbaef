import { ServiceBroker } from "moleculer";
import type { Call } from "../../lib/actions";
import { Connections } from "../../services/api/connections";

const { logger } = new ServiceBroker({ logger: false });

it("tells chat of one connection in order, also when its roles change and it goes", async () => {
  const told: string[] = [];
  const asked: (() => void)[] = [];
  const call = ((name: string, { agent }: { agent?: boolean }) => {
    told.push(agent === undefined ? name : `${name} ${agent}`);
    return new Promise<null>((resolve) => asked.push(() => resolve(null)));
  }) as unknown as Call;
  const connections = new Connections(call, logger, 60_000);
  connections.add({ connectionId: "s1", userId: "u1", agent: true });
  connections.add({ connectionId: "s1", userId: "u1", agent: false });
  connections.remove("s1");
  for (const expected of ["chat.connect true", "chat.connect false", "chat.disconnect"]) {
    await new Promise(setImmediate);
    expect(told.splice(0)).toEqual([expected]);
    asked.shift()?.();
  }
});
