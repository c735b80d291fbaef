import { createHash, randomBytes } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { ServiceBroker } from "moleculer";
import { action, type Call } from "../../lib/actions";
import { unauthorized } from "../../lib/errors";
import { OneOf, type Static, Strict, Type } from "../../lib/schema";
import type { Verified } from "./authentication";

export const TICKET_SECONDS = 30;
const MAX_TICKETS = 100_000;

const SecretParams = Strict({
  secret: Type.String({ maxLength: 64 }),
  keep: Type.Optional(Type.Boolean({ description: "It can still be used" })),
});
const Redeemed = Type.Union([
  Type.Object({
    caller: Type.Object({
      id: Type.String(),
      roles: Type.Array(OneOf("customer", "agent", "admin")),
      sid: Type.String(),
    }),
    issuedAt: Type.Number(),
    expiresAt: Type.Number(),
  }),
  Type.Null(),
]);

declare module "../../lib/actions" {
  interface ActionMap {
    /** What a ticket of the called node stands for, once; null afterwards. */
    "api.redeemTicket": { params: Static<typeof SecretParams>; result: Static<typeof Redeemed> };
  }
}

/** A node by a name that says nothing about it. */
const nameOf = (nodeId: string) => createHash("sha256").update(nodeId).digest("base64url").slice(0, 16);
const badTicket = () => unauthorized("BAD_TICKET", "The ticket is not good, or not any more. Ask for another.");

/**
 * Tickets stand for a token where a client cannot send headers. The node that gave one out keeps it and names itself in it,
 * so that it is good at every gateway and once, with nothing shared between them; when that node is gone, so is the ticket.
 */
export class StreamTickets {
  private readonly given = new LRUCache<string, Verified>({ max: MAX_TICKETS, ttl: TICKET_SECONDS * 1000 });

  constructor(
    private readonly broker: ServiceBroker,
    private readonly call: Call,
  ) {}

  issue(verified: Verified): string {
    const secret = randomBytes(24).toString("base64url");
    this.given.set(secret, verified);
    return `${nameOf(this.broker.nodeID)}.${secret}`;
  }

  /** Throws 401 for one that is not good, and is not after this unless it is to be kept. */
  async redeem(ticket: string, keep = false): Promise<Verified> {
    const [node = "", secret = ""] = ticket.split(".");
    if (node === nameOf(this.broker.nodeID)) return this.take(secret, keep) ?? refuse();
    const nodes = this.broker.registry.getNodeList({ onlyAvailable: true, withServices: false }) as { id: string }[];
    const nodeID = nodes.find(({ id }) => nameOf(id) === node)?.id ?? refuse();
    return (await this.call("api.redeemTicket", { secret, ...(keep && { keep }) }, { nodeID })) ?? refuse();
  }

  readonly actions = {
    redeemTicket: action({
      params: SecretParams,
      returns: Redeemed,
      handler: (ctx) => this.take(ctx.params.secret, ctx.params.keep) ?? null,
    }),
  };

  private take(secret: string, keep = false): Static<typeof Redeemed> {
    const verified = this.given.get(secret);
    if (!keep) this.given.delete(secret);
    return verified ? { ...verified } : null;
  }
}

function refuse(): never {
  throw badTicket();
}
