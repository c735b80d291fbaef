import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { io, type Socket } from "socket.io-client";
import type { MessageView } from "../../services/chat/chat.schema";
import { expectStatus, type Shop } from "../e2e/shop";
import type { Tally } from "./shoppers";

const CALL_MS = 8000;
const PAUSE_MS = 50;
/** Between tries of what had no answer. */
const RETRY_MS = 100;

interface Problem {
  status: number;
  code: string;
}

/** No answer came: the connection was lost, or it took too long. */
class Unanswered extends Error {}

function call<R>(socket: Socket, name: string, params: object): Promise<R> {
  return new Promise((resolve, reject) => {
    if (!socket.connected) return reject(new Unanswered());
    const lost = () => reject(new Unanswered());
    socket.once("disconnect", lost);
    socket.timeout(CALL_MS).emit("call", name, params, (late: Error | null, problem: Problem | null, result: R) => {
      socket.off("disconnect", lost);
      if (late) reject(new Unanswered());
      else if (problem) reject(Object.assign(new Error(`${problem.status} ${problem.code}`), { problem }));
      else resolve(result);
    });
  });
}

/** A customer who writes one message after the other, each sent again with its id until it is acknowledged. */
class Chatter {
  readonly acknowledged = new Map<string, MessageView>();
  connections = 0;
  private readonly socket: Socket;

  constructor(
    private readonly shop: Shop,
    private readonly token: string,
    private readonly tally: Tally,
  ) {
    this.socket = io(shop.origin, {
      auth: { token },
      transports: ["websocket"],
      forceNew: true,
      reconnectionDelay: 50,
      reconnectionDelayMax: 500,
    });
    this.socket.on("connect", () => {
      this.connections += 1;
    });
    // A server that sends its clients away is one to come back to.
    this.socket.on("disconnect", (reason) => {
      if (reason === "io server disconnect") this.socket.connect();
    });
  }

  async live(end: AbortSignal): Promise<void> {
    const { id: conversationId } = await this.persist<{ id: string }>("chat.open", {});
    while (!end.aborted) {
      const clientMsgId = randomUUID();
      const text = `message ${this.acknowledged.size + 1}`;
      const message = await this.persist<MessageView>("chat.send", { conversationId, clientMsgId, text });
      this.acknowledged.set(clientMsgId, message);
      await sleep(PAUSE_MS);
    }
    this.socket.disconnect();
    await this.check(conversationId);
  }

  private async persist<R>(name: string, params: object): Promise<R> {
    for (;;) {
      try {
        return await this.tally.measure(() => call<R>(this.socket, name, params));
      } catch (error) {
        if (!(error instanceof Unanswered)) this.tally.failed(`${name}: ${(error as Error).message}`);
      }
      await sleep(RETRY_MS);
    }
  }

  /** Everything that was acknowledged is there, once, where it was said to be; `seq` has no gap. */
  private async check(conversationId: string): Promise<void> {
    const found: MessageView[] = [];
    for (;;) {
      const after = found.at(-1)?.seq ?? 0;
      const path = `/conversations/${conversationId}/messages?afterSeq=${after}&limit=100`;
      const answer = await this.shop.call<{ items: MessageView[] }>("GET", path, { token: this.token });
      const { items } = expectStatus(answer, 200);
      found.push(...items);
      if (items.length < 100) break;
    }
    found.forEach(({ seq }, index) => {
      if (seq !== index + 1) this.tally.failed(`${conversationId}: seq ${seq} at place ${index + 1}`);
    });
    for (const [clientMsgId, { id, seq }] of this.acknowledged) {
      const same = found.filter((message) => message.clientMsgId === clientMsgId);
      if (same.length !== 1 || same[0]?.id !== id || same[0]?.seq !== seq)
        this.tally.failed(`${conversationId}: message ${seq} was acknowledged and is there ${same.length} times`);
    }
  }
}

export interface Said {
  acknowledged: number;
  connections: number;
}

/** Customers who talk until they are told to end, and then look whether all is there that was acknowledged. */
export async function goTalking(shop: Shop, tally: Tally, customers: number, end: AbortSignal): Promise<Said> {
  const chatters = await Promise.all(
    Array.from({ length: customers }, async () => new Chatter(shop, (await shop.register()).accessToken, tally)),
  );
  await Promise.all(chatters.map((chatter) => chatter.live(end)));
  return {
    acknowledged: chatters.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0),
    connections: chatters.reduce((sum, { connections }) => sum + connections, 0),
  };
}
