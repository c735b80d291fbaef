import { firstIdAt } from "../../lib/ids";
import { ItemsOf, type Static, Type } from "../../lib/schema";
import type { Collection } from "../../lib/store/collection";
import type { Conversation } from "./conversation";

/** Conversations that are in memory at once. */
const PAGE = 500;

const Seconds = Type.Union([Type.Number(), Type.Null()], { description: "seconds; null where there are none" });
const Times = Type.Object({ count: Type.Integer(), p50: Seconds, p90: Seconds });
const Ratings = Type.Object({ count: Type.Integer(), average: Type.Union([Type.Number(), Type.Null()]) });
const figures = {
  closed: Type.Integer(),
  answered: Type.Integer(),
  firstResponse: Times,
  resolution: Times,
  rating: Ratings,
};

/** Of the conversations that were opened in a time. */
export const ChatReport = Type.Object({
  from: Type.String(),
  to: Type.String(),
  opened: Type.Integer(),
  ...figures,
  waiting: Times,
  agents: ItemsOf(
    Type.Object({
      agent: Type.Object({ id: Type.String(), name: Type.String() }),
      conversations: Type.Integer(),
      ...figures,
    }),
  ).properties.items,
});
export type ChatReport = Static<typeof ChatReport>;

/** The value that so much of all is at or below (nearest rank). */
export const percentile = (sorted: number[], share: number): number | null =>
  sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null;

const average = (values: number[]): number | null =>
  values.length === 0 ? null : Math.round((100 * values.reduce((sum, value) => sum + value, 0)) / values.length) / 100;

function timesOf(values: number[]): Static<typeof Times> {
  const sorted = values.sort((a, b) => a - b);
  return { count: sorted.length, p50: percentile(sorted, 0.5), p90: percentile(sorted, 0.9) };
}

const secondsBetween = (from: string, to: string): number =>
  Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 100) / 10);

type Told = Pick<
  Conversation,
  "createdAt" | "firstAssignedAt" | "firstResponseAt" | "closedAt" | "rating" | "agent" | "status"
>;
const FIELDS = ["createdAt", "firstAssignedAt", "firstResponseAt", "closedAt", "rating", "agent", "status"];

class Figures {
  conversations = 0;
  closed = 0;
  private readonly waited: number[] = [];
  private readonly responses: number[] = [];
  private readonly resolutions: number[] = [];
  private readonly scores: number[] = [];

  add({ createdAt, firstAssignedAt, firstResponseAt, closedAt, rating }: Told): void {
    this.conversations++;
    if (closedAt !== undefined) this.closed++;
    if (firstAssignedAt !== undefined) this.waited.push(secondsBetween(createdAt, firstAssignedAt));
    if (firstResponseAt !== undefined) this.responses.push(secondsBetween(createdAt, firstResponseAt));
    if (closedAt !== undefined) this.resolutions.push(secondsBetween(createdAt, closedAt));
    if (rating) this.scores.push(rating.score);
  }

  waiting = () => timesOf(this.waited);

  shown() {
    return {
      closed: this.closed,
      answered: this.responses.length,
      firstResponse: timesOf(this.responses),
      resolution: timesOf(this.resolutions),
      rating: { count: this.scores.length, average: average(this.scores) },
    };
  }
}

/** Reads page by page; an agent answers for the conversations that are or were theirs last. */
export async function chatReport(collection: Collection<Conversation>, from: string, to: string): Promise<ChatReport> {
  const all = new Figures();
  const byAgent = new Map<string, { name: string; figures: Figures }>();
  let last = firstIdAt(Date.parse(from));
  const end = firstIdAt(Date.parse(to));
  for (;;) {
    const page = await collection.find(
      { _id: { $gt: last, $lt: end } },
      { sort: ["_id"], limit: PAGE, fields: FIELDS },
    );
    for (const conversation of page) {
      all.add(conversation);
      const { agent } = conversation;
      if (!agent) continue;
      const theirs = byAgent.get(agent.id) ?? { name: agent.name, figures: new Figures() };
      theirs.figures.add(conversation);
      byAgent.set(agent.id, theirs);
    }
    last = page.at(-1)?._id ?? last;
    if (page.length < PAGE) break;
  }
  const agents = [...byAgent]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([id, { name, figures: theirs }]) => ({
      agent: { id, name },
      conversations: theirs.conversations,
      ...theirs.shown(),
    }));
  return { from, to, opened: all.conversations, ...all.shown(), waiting: all.waiting(), agents };
}
