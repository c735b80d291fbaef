import {
  Id,
  ItemsOf,
  MoneySchema,
  OneOf,
  PageOf,
  pageParams,
  ShownText,
  type Static,
  Strict,
  Timestamp,
  Type,
} from "../../lib/schema";

const Nullable = <T extends ReturnType<typeof Type.Object>>(type: T) => Type.Union([type, Type.Null()]);

const Person = Type.Object({ id: Id, name: Type.String() });
export type Person = Static<typeof Person>;

const Seq = Type.Integer({ minimum: 0, maximum: 1_000_000_000, description: "0 is before the first message" });
const Label = Type.String({ minLength: 1, maxLength: 40, pattern: "^[\\p{L}\\p{N}][\\p{L}\\p{N} _-]*$" });
const Labels = Type.Array(Label, { maxItems: 20, uniqueItems: true });
/** Of the client's making: a retry carries the same. */
const ClientMsgId = Type.String({ minLength: 1, maxLength: 64, pattern: "^[A-Za-z0-9_-]+$" });
/** Stored as given, line breaks included; whoever shows it escapes it. */
const Text = Type.String({ minLength: 1, maxLength: 4000, description: "1 to 4,000 characters" });

export const KINDS = ["message", "note", "system"] as const;
export type Kind = (typeof KINDS)[number];
export const STATUSES = ["queued", "assigned", "closed"] as const;
export type ConversationStatus = (typeof STATUSES)[number];
export const AGENT_STATUSES = ["online", "away", "offline"] as const;
export type AgentStatus = (typeof AGENT_STATUSES)[number];

const Rating = Type.Object({
  score: Type.Integer({ minimum: 1, maximum: 5 }),
  comment: Type.Optional(Type.String()),
});

export const ConversationView = Type.Object({
  id: Id,
  customer: Person,
  agent: Nullable(Person),
  orderId: Type.Optional(Id),
  subject: Type.Optional(Type.String()),
  status: OneOf(...STATUSES),
  lastSeq: Seq,
  unread: Type.Integer({ description: "what others wrote and the viewer has not read; no system messages" }),
  labels: Type.Array(Type.String()),
  queuePosition: Type.Optional(Type.Integer({ minimum: 1 })),
  createdAt: Timestamp,
  closedAt: Type.Optional(Timestamp),
  rating: Type.Optional(Rating),
});
export type ConversationView = Static<typeof ConversationView>;
export const ConversationPage = PageOf(ConversationView);

export const MessageView = Type.Object({
  id: Id,
  conversationId: Id,
  seq: Seq,
  clientMsgId: Type.String(),
  kind: OneOf(...KINDS),
  sender: Type.Object({ id: Id, name: Type.String(), role: OneOf("customer", "agent", "system") }),
  text: Type.String({ description: "empty where it was deleted" }),
  createdAt: Timestamp,
  editedAt: Type.Optional(Timestamp),
  deletedAt: Type.Optional(Timestamp),
});
export type MessageView = Static<typeof MessageView>;
export const MessagePage = Type.Object({ items: Type.Array(MessageView), more: Type.Boolean() });

export const Synced = Type.Object({
  messages: Type.Array(MessageView),
  conversations: Type.Array(ConversationView),
  more: Type.Boolean({ description: "ask again with the new cursors" }),
});

export const AgentView = Type.Object({
  id: Id,
  name: Type.String(),
  status: OneOf(...AGENT_STATUSES),
  online: Type.Boolean({ description: "has a connection" }),
  capacity: Type.Integer(),
  load: Type.Integer(),
});
export const Agents = ItemsOf(AgentView);

export const CannedReply = Type.Object({ id: Id, shortcut: Type.String(), title: Type.String(), text: Type.String() });
export const CannedReplies = ItemsOf(CannedReply);

export const NoParams = Strict({});
export const OpenParams = Strict({
  subject: Type.Optional(ShownText(200)),
  orderId: Type.Optional(Id),
  text: Type.Optional(Text),
  clientMsgId: Type.Optional(ClientMsgId),
});
export const ListParams = Strict({
  ...pageParams,
  status: Type.Optional(OneOf(...STATUSES)),
  assignee: Type.Optional(OneOf("me", "none")),
  q: Type.Optional(Type.String({ minLength: 1, maxLength: 100, description: "searches one's own conversations" })),
});
export const ById = Strict({ id: Id });
export const HistoryParams = Strict({
  id: Id,
  afterSeq: Type.Optional(Seq),
  beforeSeq: Type.Optional(Seq),
  limit: pageParams.limit,
});
export const SendParams = Strict({
  id: Id,
  clientMsgId: ClientMsgId,
  text: Text,
  kind: Type.Optional(OneOf("message", "note")),
});
export const EditParams = Strict({ id: Id, messageId: Id, text: Text });
export const MessageParams = Strict({ id: Id, messageId: Id });
export const ReadParams = Strict({ id: Id, seq: Seq });
export const TypingParams = Strict({ id: Id, typing: Type.Boolean() });
export const TransferParams = Strict({
  id: Id,
  agentId: Type.Optional(Id),
  queue: Type.Optional(Type.Literal(true)),
});
export const RatingParams = Strict({
  id: Id,
  score: Type.Integer({ minimum: 1, maximum: 5 }),
  comment: Type.Optional(Type.String({ maxLength: 1000 })),
});
export const LabelParams = Strict({ id: Id, labels: Labels });
export const SyncParams = Strict({ cursors: Type.Record(Id, Seq, { maxProperties: 200 }) });
export const Capacity = Type.Integer({ minimum: 1, maximum: 20 });
export const AgentStatusParams = Strict({
  status: Type.Optional(OneOf(...AGENT_STATUSES)),
  capacity: Type.Optional(Capacity),
});
const replyFields = { shortcut: ShownText(40), title: ShownText(100), text: Text };
export const AddReply = Strict(replyFields);
export const ChangeReply = Strict({ id: Id, ...Type.Partial(Type.Object(replyFields)).properties });
export const ReportParams = Strict({ from: Timestamp, to: Timestamp });

/** A customer's orders, for whoever helps them. */
export const Context = Type.Object({
  orders: Type.Array(
    Type.Object({ id: Id, number: Type.String(), status: Type.String(), total: MoneySchema, createdAt: Timestamp }),
  ),
});

const ConnectionFields = { connectionId: Id, userId: Id };
export const ConnectParams = Strict({ ...ConnectionFields, agent: Type.Boolean({ description: "may be one" }) });
export const DisconnectParams = Strict(ConnectionFields);
export const RenewParams = Strict({ connections: Type.Array(Strict(ConnectionFields), { maxItems: 10_000 }) });
export const OfUser = Strict({ userId: Id });
export const UnreadParams = Strict({ userId: Id, conversationId: Id });
export const Unread = Type.Object({
  unread: Type.Integer(),
  /** When the oldest of these was sent; notes among agents set aside. */
  oldestAt: Type.Optional(Timestamp),
});
export const HeadsParams = Strict({ users: Type.Array(Id, { maxItems: 1000 }) });
export const DeskParams = Strict({ since: Timestamp });
export const DeskNews = Type.Object({
  queued: Type.Record(Id, Seq, { description: "the last seq of each conversation that waits" }),
  changed: Type.Array(ConversationView),
  more: Type.Boolean({ description: "there is more than this" }),
});
/** By user and conversation. */
export const Heads = Type.Object({ heads: Type.Record(Id, Type.Record(Id, Seq)) });
