import { Id, MoneySchema, OneOf, ShownText, type Static, Strict, Timestamp, Type } from "../../lib/schema";

export const StoryParams = Strict({ orderId: Id });
export const ReconcileParams = Strict({
  since: Timestamp,
  after: Type.Optional(Id),
  limit: Type.Integer({ minimum: 1, maximum: 50, default: 20 }),
  fix: Type.Boolean(),
  operator: ShownText(200),
});

export const PaymentStory = Type.Object({
  id: Id,
  provider: Type.String(),
  status: Type.String(),
  amount: MoneySchema,
  refunded: MoneySchema,
  createdAt: Timestamp,
  attempts: Type.Array(
    Type.Object({ key: Type.String(), state: Type.String(), at: Timestamp, code: Type.Optional(Type.String()) }),
  ),
  refunds: Type.Array(
    Type.Object({
      id: Type.String(),
      amount: MoneySchema,
      state: Type.String(),
      reason: Type.String(),
      at: Timestamp,
      code: Type.Optional(Type.String()),
    }),
  ),
  closed: Type.Optional(Type.Object({ reason: Type.String(), at: Timestamp })),
  left: Type.Array(Type.String(), { description: "what its process has still to do" }),
  due: Type.Optional(Timestamp),
  failures: Type.Integer({ description: "how often in a row what is left could not be done" }),
  webhooks: Type.Array(Type.Object({ id: Type.String(), receivedAt: Timestamp, handledAt: Type.Optional(Timestamp) })),
});
export type PaymentStory = Static<typeof PaymentStory>;

export const DIFFERENCES = [
  /** The provider did not answer: nothing can be said. */
  "no-answer",
  /** A charge or a refund was asked for and how it ended is not known here. */
  "outcome-unknown",
  /** The provider has the money of a charge that is not known here. */
  "paid-there-only",
  /** Known here as paid, and the provider has no such money. */
  "paid-here-only",
  /** More was given back there than here. */
  "refunded-there",
  /** More was given back here than there. */
  "refunded-here",
] as const;
export type DifferenceKind = (typeof DIFFERENCES)[number];

export const Difference = Type.Object({
  paymentId: Id,
  orderId: Id,
  provider: Type.String(),
  kind: OneOf(...DIFFERENCES),
  here: Type.String(),
  there: Type.String(),
  createdAt: Timestamp,
  settled: Type.Boolean({ description: "it was asked to be fixed, and there is no difference any more" }),
});
export type Difference = Static<typeof Difference>;
export const Reconciled = Type.Object({
  items: Type.Array(Difference),
  checked: Type.Integer(),
  next: Type.Union([Id, Type.Null()], { description: "where to go on" }),
});
export type Reconciled = Static<typeof Reconciled>;
