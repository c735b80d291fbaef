import { setTimeout as sleep } from "node:timers/promises";
import { io, type Socket } from "socket.io-client";
import type { ConversationView, MessageView } from "../../../services/chat/chat.schema";
import type { Chance } from "../chance";
import type { Ledger } from "./ledger";
import { ConversationLog } from "./log";
import type { Session } from "./session";

const CALL_MS = 8000;
const CONNECT_MS = 8000;
const RETRY_MS = 250;
const LONGEST_RETRY_MS = 2000;
/** Before the next connection; the longer the more often there was none. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5000;
/** After which no definite answer is a violation. */
const LIMIT_MS = 120_000;
/** That a sync takes at once. */
const MAX_CURSORS = 200;

export interface Problem {
  status: number;
  code: string;
  detail: string;
}
export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(`${problem.status} ${problem.code}`);
  }
}

interface Synced {
  messages: MessageView[];
  conversations: ConversationView[];
  more: boolean;
}

export interface ClientParts {
  name: string;
  session: Session;
  asAgent: boolean;
  /** Origins. */
  gateways: readonly string[];
  chance: Chance;
  ledger: Ledger;
  /** Whether a server or node was away since then. */
  disturbedSince: (since: number) => boolean;
  signal: AbortSignal;
}

const isDefinite = ({ status, code }: Problem) => status < 500 && status !== 429 && code !== "NOT_FOUND";

/**
 * A client as it should be: it keeps what it has by seq, asks for what is missing, connects again wherever it can, and
 * sends again with the same id until it has an answer.
 */
export class ChatClient {
  /** Of every conversation that it ever had on its screen. */
  readonly logs = new Map<string, ConversationLog>();
  /** Those that it has on its screen, as they were last seen. */
  readonly open = new Map<string, ConversationView | undefined>();
  /** A conversation is another one than before. */
  onConversation: (conversation: ConversationView) => void = () => undefined;
  /** Once for each connection, before what was missed is fetched. */
  onConnect: () => Promise<void> = async () => undefined;
  connections = 0;
  private socket: Socket | undefined;
  private stopped = false;
  private readonly lacking = new Set<string>();
  private fetching: Promise<void> | undefined;
  private life: Promise<void> | undefined;

  constructor(readonly parts: ClientParts) {}

  start(): void {
    this.life = this.live();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.socket?.disconnect();
    await this.life;
  }

  get connected(): boolean {
    return this.socket?.connected ?? false;
  }

  /** The cable is pulled: nobody says goodbye. */
  cut(): void {
    const { transport } = this.socket?.io.engine ?? {};
    (transport as unknown as { ws?: { terminate(): void } } | undefined)?.ws?.terminate();
  }

  /** Puts a conversation on the screen; resolves when what was said before is there. */
  async follow(conversation: ConversationView | string): Promise<void> {
    const id = typeof conversation === "string" ? conversation : conversation.id;
    if (this.open.has(id)) return;
    this.open.set(id, typeof conversation === "string" ? undefined : conversation);
    if (!this.logs.has(id)) this.logs.set(id, new ConversationLog());
    await this.fetch([id]);
  }

  /** Takes it off the screen; what it has it keeps. */
  unfollow(id: string): void {
    this.open.delete(id);
  }

  /** The definite answer to a call, however often it has to be asked for. Throws {@link Refused}. */
  async persist<R>(name: string, params: object): Promise<R> {
    const { signal, ledger } = this.parts;
    for (let pause = RETRY_MS, end = Date.now() + LIMIT_MS; ; pause = Math.min(2 * pause, LONGEST_RETRY_MS)) {
      signal.throwIfAborted();
      try {
        return await this.call<R>(name, params);
      } catch (error) {
        if (error instanceof Refused && isDefinite(error.problem)) throw error;
        if (Date.now() > end) throw new Error(`${this.parts.name}: ${name} has no definite answer: ${error}`);
      }
      ledger.repeats += 1;
      await sleep(pause);
    }
  }

  /** Until it is acknowledged. Throws {@link Refused}: then it is not there. */
  async send(message: { conversationId: string; clientMsgId: string; text: string; kind?: "note" }): Promise<void> {
    this.parts.ledger.attempted.add(message.clientMsgId);
    this.parts.ledger.ack(await this.persist<MessageView>("chat.send", message));
  }

  call<R>(name: string, params: object): Promise<R> {
    const { socket } = this;
    return new Promise((resolve, reject) => {
      if (!socket?.connected) return reject(new Error("not connected"));
      const lost = () => reject(new Error("the connection was lost"));
      socket.once("disconnect", lost);
      const answered = (late: Error | null, problem: Problem | null, result: R) => {
        socket.off("disconnect", lost);
        if (late) reject(late);
        else if (problem) reject(new Refused(problem));
        else resolve(result);
      };
      socket.timeout(CALL_MS).emit("call", name, params, answered);
    });
  }

  /** Asks for what is missing of these; resolves when it is there, or the connection is lost. */
  async fetch(ids: Iterable<string>): Promise<void> {
    for (const id of ids) this.lacking.add(id);
    // Somebody else's fetch may have taken what was asked for here.
    while (this.fetching || (this.lacking.size > 0 && this.connected)) {
      this.fetching ??= this.fetchAll().finally(() => {
        this.fetching = undefined;
      });
      await this.fetching;
    }
  }

  private async fetchAll(): Promise<void> {
    const { socket } = this;
    while (this.lacking.size > 0 && socket?.connected) {
      const ids = [...this.lacking].slice(0, MAX_CURSORS);
      for (const id of ids) this.lacking.delete(id);
      try {
        const cursors = Object.fromEntries(ids.map((id) => [id, this.logs.get(id)?.cursor ?? 0]));
        this.parts.ledger.syncs += 1;
        const { messages, conversations, more } = await this.call<Synced>("chat.sync", { cursors });
        for (const message of messages) this.logs.get(message.conversationId)?.put(message);
        for (const conversation of conversations) this.see(conversation);
        if (more) for (const id of ids) this.lacking.add(id);
      } catch {
        for (const id of ids) this.lacking.add(id);
        await sleep(RETRY_MS);
      }
    }
  }

  private see(conversation: ConversationView): void {
    if (this.open.has(conversation.id)) this.open.set(conversation.id, conversation);
    this.onConversation(conversation);
  }

  private async live(): Promise<void> {
    const { chance, session, gateways } = this.parts;
    let longest = FIRST_PAUSE_MS;
    while (!this.stopped) {
      const before = this.connections;
      try {
        const token = await session.fresh();
        await this.connect(chance.pick(gateways), token);
      } catch {
        // Nobody there: it tries again, perhaps at the other one.
      }
      longest = this.connections > before ? FIRST_PAUSE_MS : Math.min(2 * longest, LONGEST_PAUSE_MS);
      if (!this.stopped) await sleep(chance.between(50, longest));
    }
  }

  /** Resolves when the connection is over. */
  private connect(origin: string, token: string): Promise<void> {
    const options = { auth: { token }, transports: ["websocket"], forceNew: true, reconnection: false };
    const socket = io(origin, { ...options, timeout: CONNECT_MS });
    this.socket = socket;
    return new Promise((resolve) => {
      socket.once("connect_error", () => {
        socket.disconnect();
        resolve();
      });
      socket.once("disconnect", () => resolve());
      socket.once("connect", () => void this.arrived(socket));
      this.listen(socket);
      if (this.stopped) socket.disconnect();
    });
  }

  private async arrived(socket: Socket): Promise<void> {
    const { name, asAgent, ledger, disturbedSince } = this.parts;
    this.connections += 1;
    const since = Date.now();
    const goals = [...this.open.keys()].map((id) => [id, ledger.lastOf(id, asAgent)] as const);
    void this.onConnect().catch(() => undefined);
    await this.fetch(this.open.keys());
    // Where nothing was promised there is nothing to be had.
    if (this.socket !== socket || !socket.connected || goals.every(([, goal]) => goal === 0)) return;
    const lacks = goals.flatMap(([id, goal]) => {
      const has = this.logs.get(id)?.cursor ?? 0;
      return has < goal ? [`${name} has ${id} up to ${has}, acknowledged was ${goal}`] : [];
    });
    ledger.convergences.push({ who: name, at: since, ms: Date.now() - since, disturbed: disturbedSince(since), lacks });
  }

  private listen(socket: Socket): void {
    socket.on("chat.message", ({ conversationId, message, prevSeq }: Live) => {
      if (this.open.has(conversationId) && !this.logs.get(conversationId)?.take(message, prevSeq))
        void this.fetch([conversationId]);
    });
    socket.on("chat.conversation", ({ conversation }: { conversation: ConversationView }) => {
      const log = this.logs.get(conversation.id);
      if (this.open.has(conversation.id) && log && conversation.lastSeq > log.cursor)
        void this.fetch([conversation.id]);
      this.see(conversation);
    });
    socket.on("chat.heads", (heads: Record<string, number>) => {
      for (const id of Object.keys(heads)) if (!this.open.has(id)) void this.follow(id);
      // What is open and not named is over, and the news of it got lost.
      const behind = [...this.open.keys()].filter((id) => (heads[id] ?? Infinity) > (this.logs.get(id)?.cursor ?? 0));
      if (behind.length > 0) void this.fetch(behind);
    });
  }
}

interface Live {
  conversationId: string;
  message: MessageView;
  prevSeq: number;
}
