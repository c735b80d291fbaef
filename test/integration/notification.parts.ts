import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ServiceBroker, ServiceSchema } from "moleculer";
import { SMTPServer } from "smtp-server";
import type { Meta } from "../../lib/actions";
import { ShopError } from "../../lib/errors";
import type { Fact } from "../../lib/events";
import { newId } from "../../lib/ids";
import { won } from "../../lib/money";
import { nodeOf } from "../../lib/node";
import { newTraceparent } from "../../lib/trace";
import type { Notification } from "../../services/notification/notification";
import notificationService from "../../services/notification/notification.service";
import { type ReadMail, readMail } from "./mail.parts";
import { eventually, startNode, type TestNode } from "./node";

export interface Inbox {
  items: Notification[];
  nextCursor: string | null;
}

export const metaOf = (id: string, more: Partial<Meta> = {}): Meta => ({
  user: { id, roles: ["customer"], sid: "s" },
  ...more,
});

/** Stands for `user` and `chat`, and for the gateways that hear what is delivered. */
export class Others {
  readonly users = new Map<string, { email: string | null; name: string }>();
  /** By conversation and user. */
  readonly unread = new Map<string, number>();
  /** When the oldest of these was sent; long ago where it is not said. */
  readonly oldest = new Map<string, string>();
  readonly asked: string[] = [];
  readonly delivered: { to: unknown; event: string; payload: object }[] = [];
  away = false;

  readonly services = [
    (_: ServiceBroker): ServiceSchema => ({
      name: "user",
      actions: {
        find: (ctx: { params: { id: string } }) => {
          if (this.away) throw new Error("away");
          const { id } = ctx.params;
          const user = this.users.get(id);
          if (!user) throw new ShopError(404, "USER_NOT_FOUND", "There is no such user.");
          return { id, emailVerified: false, roles: ["customer"], status: "active", createdAt: "", ...user };
        },
      },
    }),
    (_: ServiceBroker): ServiceSchema => ({
      name: "chat",
      actions: {
        unread: (ctx: { params: { userId: string; conversationId: string } }) => {
          const key = `${ctx.params.conversationId}:${ctx.params.userId}`;
          this.asked.push(key);
          const unread = this.unread.get(key) ?? 0;
          return { unread, ...(unread > 0 && { oldestAt: this.oldest.get(key) ?? "2026-01-01T00:00:00.000Z" }) };
        },
      },
    }),
    (_: ServiceBroker): ServiceSchema => ({
      name: "clients",
      events: {
        "api.deliver": (ctx: { params: { to: unknown; event: string; payload: object } }) =>
          void this.delivered.push(ctx.params),
      },
    }),
  ];

  person(name = "Kim"): string {
    const id = newId();
    this.users.set(id, { email: `${id}@example.com`, name });
    return id;
  }
}

/** How many mails ended so, by what the metrics say. */
export function mailsThat(outcome: string, metrics: string): number {
  const found = new RegExp(`shop_mails_total\\{outcome="${outcome}"\\} (\\d+)`).exec(metrics);
  return Number(found?.[1] ?? 0);
}

const fact = (topic: "order" | "chat", type: string, subject: string, data: object): Fact =>
  ({
    specversion: "1.0",
    id: newId(),
    type,
    source: `/${topic}`,
    subject,
    time: new Date().toISOString(),
    datacontenttype: "application/json",
    dataschema: `http://localhost/schemas/${type}.json`,
    traceparent: newTraceparent(),
    data,
  }) as Fact;

export function orderFact(customerId: string, type = "order.paid", more: object = {}): Fact {
  const orderId = newId();
  const totals = { items: won(12_000), shipping: won(900), total: won(12_900) };
  const items = [{ sku: "A", quantity: 1 }];
  const common = { orderId, number: "20260101-ABCD", customerId, status: "paid", items, totals };
  return fact("order", type, orderId, { ...common, ...more });
}

export interface Sent {
  customerId: string;
  agentId?: string;
  conversationId: string;
  from?: "customer" | "agent" | "system";
  kind?: string;
  seq: number;
}

export function messageFact({
  customerId,
  agentId,
  conversationId,
  from = "agent",
  kind = "message",
  seq,
}: Sent): Fact {
  const senderId = { customer: customerId, agent: agentId ?? "an-agent", system: "system" }[from];
  const sender = { id: senderId, name: "N", role: from };
  const message = { id: newId(), seq, kind, sender, text: "hello", createdAt: new Date().toISOString() };
  const data = { conversationId, customerId, agentId: agentId ?? null, message };
  return fact("chat", "chat.message.sent", conversationId, data);
}

export function assignedFact(conversationId: string, customerId: string, agentId: string): Fact {
  const [customer, agent] = [customerId, agentId].map((id) => ({ id, name: "N" }));
  const createdAt = new Date().toISOString();
  const conversation = { id: conversationId, customer, agent, status: "assigned", createdAt };
  return fact("chat", "chat.conversation.assigned", conversationId, { conversationId, conversation });
}

export class NotificationLab {
  private constructor(
    readonly node: TestNode,
    readonly others: Others,
  ) {}

  static async start(environment: Record<string, string> = {}, others = new Others()): Promise<NotificationLab> {
    const settings = { LEASE_MS: "300", MAIL_UNREAD_MS: "300", ...environment };
    return new NotificationLab(await startNode([...others.services, notificationService], settings), others);
  }

  publish(...facts: Fact[]): Promise<void> {
    const topicOf = ({ source }: Fact) => (source === "/order" ? "order-event" : "chat-message");
    return facts.reduce(async (before, one) => {
      await before;
      await nodeOf(this.node.broker).topics.publish(topicOf(one), [
        { key: one.subject, value: JSON.stringify(one), headers: {} },
      ]);
    }, Promise.resolve());
  }

  /** Resolves when all that was published is handled. */
  async handled(): Promise<void> {
    const { topics } = nodeOf(this.node.broker);
    const groups = [
      ["order-event", "notification"],
      ["chat-message", "notification"],
    ] as const;
    for (const [topic, group] of groups) await eventually(async () => (await topics.lag(topic, group)) === 0);
  }

  inbox = (userId: string, params: object = {}): Promise<Inbox> =>
    this.node.as<Inbox>(metaOf(userId), "notification.list", { limit: 100, ...params });

  /** Mails that are files, by whom they are for. */
  files(userId: string): string[] {
    const folder = join(this.node.dataDir, "mail");
    if (!existsSync(folder)) return [];
    const mails = readdirSync(folder).filter((name) => name.endsWith(".eml"));
    return mails
      .map((name) => readFileSync(join(folder, name), "utf8"))
      .filter((mail) => mail.includes(`${userId}@example.com`));
  }

  metrics = () => nodeOf(this.node.broker).metrics.registry.metrics();

  /** Resolves when no mail waits any more. */
  async settled(): Promise<void> {
    const { mailsWaiting } = nodeOf(this.node.broker).metrics;
    await eventually(async () => (await mailsWaiting.samples())[0]?.value === 0);
  }

  stop = () => this.node.stop();
}

/** A mail server that keeps what it takes, and may refuse. */
export class MailServer {
  readonly mails: { to: string[]; text: string }[] = [];
  /** What it says to the next recipients instead of taking their mail: 450 for later, 550 for never. */
  refusal: number | undefined;
  private server: SMTPServer | undefined;

  constructor(private port = 0) {}

  get url(): string {
    return `smtp://127.0.0.1:${this.port}`;
  }

  async start(): Promise<this> {
    const server = new SMTPServer({
      authOptional: true,
      closeTimeout: 50,
      disabledCommands: ["AUTH", "STARTTLS"],
      onRcptTo: (address, _, done) => {
        const refused = this.refusal;
        const error = Object.assign(new Error(`no ${address.address}`), { responseCode: refused });
        done(refused === undefined ? null : error);
      },
      onData: (stream, session, done) => {
        const chunks: Buffer[] = [];
        stream.on("data", (chunk: Buffer) => chunks.push(chunk));
        stream.on("end", () => {
          const to = session.envelope.rcptTo.map(({ address }) => address);
          this.mails.push({ to, text: Buffer.concat(chunks).toString() });
          done();
        });
      },
    });
    // A client that goes away in the midst is none of the test's business.
    server.on("error", () => undefined);
    await new Promise<void>((resolve) => server.listen(this.port, "127.0.0.1", () => resolve()));
    const address = server.server.address();
    if (address && typeof address === "object") this.port = address.port;
    this.server = server;
    return this;
  }

  to = (userId: string) => this.mails.filter(({ to }) => to.includes(`${userId}@example.com`));

  /** What came for an address, as its reader sees it. */
  at = (address: string): ReadMail[] =>
    this.mails.filter(({ to }) => to.includes(address)).map(({ text }) => readMail(text));

  stop(): Promise<void> {
    return new Promise((resolve) => (this.server ? this.server.close(() => resolve()) : resolve()));
  }
}
