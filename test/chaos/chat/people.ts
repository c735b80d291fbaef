import { setTimeout as sleep } from "node:timers/promises";
import { newId } from "../../../lib/ids";
import type { ConversationView } from "../../../services/chat/chat.schema";
import { type ChatClient, Refused } from "./client";

/** Places of each agent. */
export const CAPACITY = 3;
const LOOK_MS = 200;
/** After which a conversation in which the customer says nothing more is closed. */
const QUIET_MS = 6000;
/** How long a customer waits for the last word of an agent. */
const LAST_WORD_MS = 180_000;

const refusedAs = (error: unknown, ...codes: string[]) =>
  error instanceof Refused && codes.includes(error.problem.code);

export interface Asking {
  messages: number;
  /** Milliseconds in which all of them come. */
  arrivingMs: number;
  /** Milliseconds between messages at the most, half of it on average. */
  pauseMs: number;
  /** Resolves when the next one may be sent. */
  acknowledged: () => Promise<void>;
}

/** Sends so many messages, in another conversation wherever an agent has closed the one before; resolves when all is over. */
export async function beCustomer(
  client: ChatClient,
  { messages, arrivingMs, pauseMs, acknowledged }: Asking,
): Promise<void> {
  const { chance, ledger, name, signal } = client.parts;
  let current: string | undefined;
  // They come one after the other, as in a shop that opens.
  await sleep(chance.between(0, arrivingMs));
  const isClosed = () => current !== undefined && client.open.get(current)?.status === "closed";
  client.start();

  async function opened(): Promise<string> {
    const conversation = await client.persist<ConversationView>("chat.open", { subject: `Help ${name}` });
    for (const id of client.open.keys()) if (id !== conversation.id) client.unfollow(id);
    await client.follow(conversation);
    return conversation.id;
  }

  for (let number = 1; number <= messages; number++) {
    const clientMsgId = newId();
    for (let isSent = false; !isSent; ) {
      current ??= await opened();
      try {
        await client.send({ conversationId: current, clientMsgId, text: `${number} of ${name}` });
        isSent = true;
      } catch (error) {
        if (!refusedAs(error, "CONVERSATION_CLOSED")) throw error;
        ledger.refused += 1;
        await client.fetch([current]);
        current = undefined;
      }
    }
    await acknowledged();
    await sleep(chance.between(100, pauseMs));
  }
  for (const end = Date.now() + LAST_WORD_MS; !isClosed(); ) {
    signal.throwIfAborted();
    if (Date.now() > end) {
      ledger.problems.push(`${name}: ${current} was not closed in ${LAST_WORD_MS / 1000} s`);
      break;
    }
    await sleep(LOOK_MS);
  }
  if (current !== undefined) await converged(client, [current]);
}

/** Takes what comes, answers, now and then leaves a note or passes it on, and closes it after some answers. */
export async function beAgent(client: ChatClient, others: () => string[], isOver: () => boolean): Promise<void> {
  const { chance, ledger, session, signal } = client.parts;
  const me = session.user.id;
  const answers = new Map<string, number>();
  const enough = new Map<string, number>();
  client.onConversation = (conversation) => {
    const { id, agent, status } = conversation;
    if (agent?.id === me && status === "assigned") void client.follow(conversation);
    else if (client.open.has(id) && (client.logs.get(id)?.cursor ?? 0) >= conversation.lastSeq) client.unfollow(id);
  };
  client.onConnect = async () => {
    const mine = await client.persist<{ items: ConversationView[] }>("chat.list", {
      assignee: "me",
      status: "assigned",
    });
    for (const conversation of mine.items) void client.follow(conversation);
  };
  client.start();
  await client.persist("agent.status", { status: "online", capacity: CAPACITY });

  async function pass(id: string): Promise<void> {
    const agentId = chance.pick(others());
    const passed = await client.persist<ConversationView>("chat.transfer", { conversationId: id, agentId });
    ledger.transfers += 1;
    if (passed.agent?.id !== me) client.unfollow(id);
  }

  async function serve(id: string): Promise<void> {
    const log = client.logs.get(id);
    const done = answers.get(id) ?? 0;
    const limit = enough.get(id) ?? chance.between(2, 4);
    enough.set(id, limit);
    if (!log?.last) return;
    if (log.last.sender.role !== "customer") {
      if (Date.now() - Date.parse(log.last.createdAt) > QUIET_MS) await close(id);
      return;
    }
    if (done > 0 && chance.next() < 0.03) return pass(id);
    if (chance.next() < 0.15)
      await client.send({ conversationId: id, clientMsgId: newId(), text: `note on ${id}`, kind: "note" });
    await client.send({ conversationId: id, clientMsgId: newId(), text: `answer ${done + 1}` });
    answers.set(id, done + 1);
    if (done + 1 < limit) return;
    await sleep(chance.between(50, 500));
    await close(id);
  }

  async function close(id: string): Promise<void> {
    await client.persist("chat.close", { conversationId: id });
    ledger.closings += 1;
    await client.fetch([id]);
  }

  while (!isOver()) {
    signal.throwIfAborted();
    for (const id of [...client.open.keys()]) {
      try {
        await serve(id);
      } catch (error) {
        // Somebody else has it by now, or it is over: what the client sees next says so.
        if (!refusedAs(error, "CONVERSATION_CLOSED", "NOT_ASSIGNED", "AGENT_FULL")) throw error;
        await client.fetch([id]);
      }
    }
    await sleep(chance.between(100, 600));
  }
  await converged(client, client.open.keys());
}

async function converged(client: ChatClient, ids: Iterable<string>): Promise<void> {
  const all = [...ids];
  for (let isDone = false; !isDone; ) {
    client.parts.signal.throwIfAborted();
    await client.fetch(all);
    isDone = client.connected;
    if (!isDone) await sleep(LOOK_MS);
  }
}
