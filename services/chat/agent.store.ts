import { DuplicateKey, type Filter, type Store } from "../../lib/store/collection";
import { after, now } from "../../lib/time";
import { type Agent, newAgent } from "./agent";
import type { AgentStatus, Person } from "./chat.schema";

/** Looks at a document that others keep changing, before it is somebody else's turn to say so. */
const ATTEMPTS = 100;

interface Limits {
  /** Places of an agent who never said how many, at this moment. */
  capacity: () => number;
  /** Milliseconds after which a place is compared with its conversation. */
  leaseMs: number;
  /** Milliseconds without a connection after which somebody is gone. */
  graceMs: number;
}

const AVAILABLE: Filter = { helps: true, status: "online", connected: true, free: { $gte: 1 } };

/** Agents: one document each, which counts their places, so that each place is taken and given back by one write. */
export function agentStore(store: Store, { capacity, leaseMs, graceMs }: Limits) {
  const collection = store.collection<Agent>("chat", { name: "agents", indexes: [{ fields: ["due"], sparse: true }] });
  const place = (conversationId: string) => `holding.${conversationId}`;

  return {
    collection,
    get: (id: string): Promise<Agent | null> => collection.get(id),
    /** All who help. */
    all: (): Promise<Agent[]> => collection.find({ helps: true }, { sort: ["_id"] }),
    available: (): Promise<Agent[]> => collection.find(AVAILABLE),

    /** The document of somebody who helps, made where there is none yet; `person` is asked for, and may refuse, where they did not until now. */
    async ensure(id: string, person: () => Promise<Person>): Promise<Agent> {
      const known = await collection.get(id);
      if (known?.helps) return known;
      const { name } = await person();
      try {
        return await collection.insert(newAgent({ id, name }, capacity(), now()));
      } catch (error) {
        const back =
          error instanceof DuplicateKey ? await collection.update({ _id: id }, { $set: { helps: true, name } }) : null;
        if (!back) throw error;
        return back;
      }
    },

    /** Takes nothing away: below the load there is only nothing new. */
    async choose(id: string, chosen: { status?: AgentStatus; capacity?: number }): Promise<Agent | null> {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const agent = await collection.get(id);
        if (!agent) return null;
        const { status = agent.status, capacity = agent.capacity } = chosen;
        const changed = await collection.update(
          { _id: id, capacity: agent.capacity },
          {
            $set: { status, capacity, ...(chosen.capacity !== undefined && { ownCapacity: true }) },
            $inc: { free: capacity - agent.capacity },
          },
        );
        if (changed) return changed;
      }
      throw new Error(`agent ${id}: others were faster ${ATTEMPTS} times`);
    },

    /** Whoever never chose a capacity gets the one of the configuration; answers how many. Idempotent. */
    async follow(): Promise<number> {
      const wanted = capacity();
      const filter = { ownCapacity: { $exists: false }, capacity: { $ne: wanted } };
      let changed = 0;
      for (const { _id, capacity: had } of await collection.find(filter)) {
        const free = { free: wanted - had };
        const condition = { ...filter, _id, capacity: had };
        if (await collection.update(condition, { $set: { capacity: wanted }, $inc: free })) changed += 1;
      }
      return changed;
    },

    /** The agent where this changed something. */
    setConnected: (id: string, connected: boolean): Promise<Agent | null> =>
      connected
        ? collection.update({ _id: id, connected: false }, { $set: { connected }, $unset: { goneSince: true } })
        : collection.update(
            { _id: id, connected: true },
            { $set: { connected, goneSince: now() }, $min: { due: after(graceMs) }, $inc: { version: 1 } },
          ),

    rename: ({ id, name }: Person): Promise<Agent | null> =>
      collection.update({ _id: id, helps: true }, { $set: { name } }),

    /** For whoever helps no more; the agent where they did until now. */
    retire: (id: string): Promise<Agent | null> =>
      collection.update({ _id: id, helps: true }, { $set: { helps: false, status: "offline" } }),

    forget: (id: string): Promise<Agent | null> =>
      collection.update({ _id: id }, { $set: { helps: false, status: "offline", name: "" } }),

    /** Takes a place, held since `at`; null where there is none, or one is held for this conversation already. */
    take: (id: string, conversationId: string, at: string, given: boolean): Promise<Agent | null> =>
      collection.update(
        {
          ...(given && AVAILABLE),
          helps: true,
          free: { $gte: 1 },
          [place(conversationId)]: { $exists: false },
          _id: id,
        },
        {
          $inc: { free: -1, version: 1 },
          $set: { [place(conversationId)]: at, lastAssignedAt: at },
          $min: { due: after(leaseMs) },
        },
      ),

    /** Gives back the place that is held since `at`. Idempotent. */
    give: (id: string, conversationId: string, at: string): Promise<Agent | null> =>
      collection.update(
        { _id: id, [place(conversationId)]: at },
        { $inc: { free: 1, version: 1 }, $unset: { [place(conversationId)]: true } },
      ),

    /** After a look: `due` is when to look again. Changes nothing where there is more to look at since. */
    lookedAt: ({ _id, version, due }: Agent, next: string | undefined): Promise<Agent | null> =>
      collection.update(
        { _id, version, due: due ?? null },
        next === undefined ? { $unset: { due: true } } : { $set: { due: next } },
        { fields: [] },
      ),
  };
}

export type AgentStore = ReturnType<typeof agentStore>;
