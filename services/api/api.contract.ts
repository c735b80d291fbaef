/** What the server tells connected clients, over sockets and streams alike. */
export type ClientEvent =
  | "chat.message"
  | "chat.changed"
  | "chat.conversation"
  | "chat.typing"
  | "chat.read"
  | "chat.presence"
  | "chat.queue"
  | "notification";

export interface Delivery {
  /** Everybody's connections who is named, or those of all agents, of all except these users, or of these as agents. */
  to: { users: string[] } | { role: "agent"; except?: string[]; only?: string[] };
  event: ClientEvent;
  payload: object;
  /** Not worth keeping for a client that is slow or away: typing, presence. */
  volatile?: boolean;
}

declare module "../../lib/events" {
  interface EventMap {
    /** For clients at whichever gateway. It may be lost: clients see by sequence numbers what they miss. */
    "api.deliver": Delivery;
  }
}
